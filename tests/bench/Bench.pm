# What the programs of the bench share: options, users of their own, pairs of
# measurements, and the rows of the table.
package Bench;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Handle;
use POSIX ();
use Time::HiRes qw(time sleep);

our @EXPORT = qw($src $build $bin $tools $work $rounds $seconds @wanted
    $missed @kill user become run quietly status_pid start_agent children_named
    pss_kb ssh_agent median load raw pairs ratio middle row heading);

our $src = dirname(dirname(dirname(abs_path($0))));
our $build = "$src/build";
our ($rounds, $seconds, @wanted) = (5, 2);
while (@ARGV) {
	my $arg = shift @ARGV;
	if ($arg eq '--quick') { ($rounds, $seconds) = (3, 0.5) }
	elsif ($arg eq '--build') { $build = abs_path(shift @ARGV) }
	elsif ($arg =~ /^-/) {
		die "usage: $0 [--quick] [--build DIR] [FIGURE...]\n";
	} else { push @wanted, $arg }
}
our ($bin, $tools) = ("$build/prefix/bin", "$build/tests/bench");
die "build first: tests/build --tests\n" unless -x "$tools/sign-load";

# ---- a user of the bench's own, on tmpfs ----

our $work = tempdir('ts-bench.XXXXXX', DIR => '/dev/shm', CLEANUP => 1);
our @kill;

sub user {
	my ($name, $state) = @_;
	my $dir = "$work/$name";
	mkdir $_, 0700 for $dir, "$dir/run", "$dir/gpg", "$dir/home";
	return {
		HOME => "$dir/home", XDG_RUNTIME_DIR => "$dir/run",
		XDG_CONFIG_HOME => "$dir/home/config",
		XDG_DATA_HOME => "$dir/home/data",
		XDG_STATE_HOME => $state // "$dir/home/state",
		GNUPGHOME => "$dir/gpg", LC_ALL => 'C.UTF-8',
		PATH => "$bin:/usr/bin:/bin:/usr/sbin:/sbin",
		GIT_CONFIG_GLOBAL => "$dir/gitconfig", GIT_CONFIG_NOSYSTEM => 1,
		dir => $dir,
	};
}

# Becomes a user: everything that is run from here on is theirs.
sub become {
	my ($user) = @_;
	%ENV = map { $_ => $user->{$_} } grep { $_ ne 'dir' } keys %$user;
}

sub run {
	my @command = @_;
	open(my $pipe, '-|', @command) or die "$command[0]: $!\n";
	local $/;
	my $out = <$pipe>;
	close $pipe or die "failed: @command\n";
	return $out // '';
}

sub quietly {
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$work/out";
		open STDERR, '>&', \*STDOUT;
		exec @_ or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	die "failed: @_\n" . `cat $work/out` if $?;
}

sub status_pid {
	my $status = run("$bin/touchstone", 'status', '--json');
	my ($pid) = $status =~ /"pid"\s*:\s*(\d+)/ or die "no pid: $status\n";
	return $pid;
}

sub start_agent {
	my $pid = fork // die;
	if (!$pid) {
		open STDERR, '>', '/dev/null';
		exec "$bin/touchstone-agent";
	}
	for (1 .. 200) {
		last if -S "$ENV{XDG_RUNTIME_DIR}/touchstone/agent.sock";
		sleep 0.01;
	}
}

# A process that is ours and has this program, by /proc.
sub children_named {
	my ($name, $parent) = @_;
	my @found;
	for my $stat (glob '/proc/[0-9]*/stat') {
		open(my $in, '<', $stat) or next;
		my $line = <$in> // next;
		push @found, $1 if $line =~ /^(\d+) \(\Q$name\E\) \S (\d+)/ &&
		    $2 == $parent;
	}
	return @found;
}

sub pss_kb {
	my $sum = 0;
	for my $pid (@_) {
		open(my $in, '<', "/proc/$pid/smaps_rollup") or die "$pid: $!\n";
		while (<$in>) { $sum += $1 if /^Pss:\s+(\d+)/ }
	}
	return $sum;
}

# OpenSSH's agent with a module, by the PIN in a file.
sub ssh_agent {
	my ($user, $module, $pin) = @_;
	my $sock = "$user->{dir}/ssh-agent.sock";
	my $out = run('ssh-agent', '-s', '-a', $sock, '-P', '/usr/lib/*');
	my ($pid) = $out =~ /SSH_AGENT_PID=(\d+)/ or die "ssh-agent: $out\n";
	push @kill, $pid;
	open(my $ask, '>', "$user->{dir}/askpass") or die;
	print $ask "#!/bin/sh\ncat '$pin'\n";
	close $ask;
	chmod 0700, "$user->{dir}/askpass";
	local %ENV = (%ENV, SSH_AUTH_SOCK => $sock, SSH_ASKPASS_REQUIRE => 'force',
	    SSH_ASKPASS => "$user->{dir}/askpass", DISPLAY => ':0');
	quietly('ssh-add', '-s', abs_path($module));
	return $sock;
}

# ---- measuring ----

sub median {
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[$#sorted / 2];
}

sub load {
	my ($sock, $what, $key, $connections, @pids) = @_;
	my ($count, $secs, $rate, $p50, $p99, @cpu) = split ' ',
	    run("$tools/sign-load", $sock, $what, $key, $connections, $seconds,
	    @pids);
	my $cpu = 0;
	$cpu += $_ for @cpu;
	return { rate => $rate, p50 => $p50, p99 => $p99,
		cpu => $cpu / ($count || 1) };
}

sub raw {
	my ($module, $token, $key, $pin) = @_;
	my ($count, $secs, $rate, $cpu) = split ' ', run("$tools/raw-sign",
	    $module, $token, $key, $pin, $seconds);
	return { rate => $rate, cpu => $cpu / $count };
}

# Interleaves two measurements; the list of their pairs.
sub pairs {
	my ($a, $b) = @_;
	return map { [ $a->(), $b->() ] } 1 .. $rounds;
}

sub ratio {
	my ($field, @pairs) = @_;
	return median(map { $_->[0]{$field} / $_->[1]{$field} } @pairs);
}

sub middle {
	my ($side, $field, @pairs) = @_;
	return median(map { $_->[$side]{$field} } @pairs);
}

our $missed = 0;

sub row {
	my ($what, $value, $bar, $beside) = @_;
	my ($sign, $limit) = $bar =~ /^(\S+) (\S+)/;
	my $ok = $sign eq '>=' ? $value >= $limit : $sign eq '<=' ?
	    $value <= $limit : $value == $limit;
	$missed++ unless $ok;
	printf "%-52s %8.2f  %-8s %-7s %s\n", $what, $value, $bar,
	    $ok ? '' : 'MISSED', $beside;
	STDOUT->flush;
}

sub heading {
	printf "%-52s %8s  %-8s %-7s %s\n", 'figure', 'value', 'bar', '',
	    'medians';
}

END {
	my $status = $?;
	for my $one (@kill) {
		if (ref $one) {
			become($one);
			system("$bin/touchstone stop >/dev/null 2>&1");
			system("gpgconf --kill all >/dev/null 2>&1");
		} else {
			kill 'TERM', $one;
		}
	}
	$? = $status;
}

1;
