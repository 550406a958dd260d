# A repository of Notary's, whole: root twice, targets, two delegations,
# snapshot and timestamp, at version 3; or, by one of the plans of Attacks.pm,
# what comes after it.
#
# A plan may have, each by role: edit (changes what is signed), text (what is
# signed as text), sign (names of keys that sign instead), claim (a key that
# signs in another's name), bytes (the file, before others list it), served
# (the file, after); and renew (there is a next root), root_version, old
# (roles that are served as they were), others (we are no delegate).
package Repository;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Tuf qw(canonical certified envelope expiry file_meta make_key public_key
    sign);
our @EXPORT_OK = qw(keys_in named_key repository resign);

our %keys;
my %signers = (root => 'root', targets => 'targets', snapshot => 'snapshot',
    timestamp => 'timestamp', 'targets/releases' => 'alice',
    'targets/alice' => 'alice', 'targets/us' => 'alice');
my $year = 365 * 86400;

# keys_in($folder): made there, but for delegate.pem, whose owner signs for
# himself.
sub keys_in {
	my ($folder) = @_;
	$keys{$_} = make_key($folder, $_, "ecdsa") for qw(root root2
	    targets snapshot timestamp alice evil second);
	$keys{us} = public_key("$folder/delegate.pem")
	    if -f "$folder/delegate.pem";
}

# named_key($r, $role, $name): "own" is the role's, "own-x509" the same with a
# certificate, hence with another id.  By a root's certificate it is known
# what it is the root of; "-old" has one that is not good any more.
sub named_key {
	my ($r, $role, $name) = @_;
	my $x509 = $name =~ s/-x509$// ? $role : undef;
	$name = $signers{$role} if $name eq 'own';
	my $old = $name =~ s/-old$//;
	$x509 = $r->{gun} if $name =~ /^root/;
	return defined $x509 ? certified($keys{$name}{file}, $x509, $old) :
	    $keys{$name};
}

sub root {
	my ($r, $version) = @_;
	my %signed = (_type => 'Root', consistent_snapshot => \0,
	    expires => expiry(10 * $year), version => $version + 0);
	for my $role (qw(root targets snapshot timestamp)) {
		my $key = named_key($r, $role, $role);
		$signed{keys}{ $key->{id} } = $key->{entry};
		$signed{roles}{$role} = { keyids => [$key->{id}],
		    threshold => 1 };
	}
	return \%signed;
}

sub targets {
	my ($version, $targets) = @_;
	return { _type => 'Targets', expires => expiry(3 * $year),
	    version => $version + 0, targets => $targets,
	    delegations => { keys => {}, roles => [] } };
}

# delegate($signed, $role, KEY...)
sub delegate {
	my ($signed, $role, @keys) = @_;
	$signed->{delegations}{keys}{ $_->{id} } = $_->{entry} for @keys;
	push @{ $signed->{delegations}{roles} }, { name => $role,
	    keyids => [map { $_->{id} } @keys], paths => [''],
	    threshold => 1 };
}

# add($repository, $role, $signed): signs it, as the plan has it.
sub add {
	my ($r, $role, $signed) = @_;
	my $p = $r->{plan};
	# What is changed is nobody else's.
	$signed = decode_json(canonical($signed));
	$p->{edit}{$role}->($signed, $r) if $p->{edit}{$role};
	my $text = canonical($signed);
	$text = $p->{text}{$role}->($text) if $p->{text}{$role};
	my @signers = map { named_key($r, $role, $_) } @{ $p->{sign}{$role} //
	    ['own'] };
	my @signatures = map { sign($_, $text) } @signers;
	if (my $liar = $p->{claim}{$role}) {
		$signatures[0] = { %{ sign($keys{$liar}, $text) },
		    keyid => $signatures[0]{keyid} };
	}
	my $bytes = envelope($text, @signatures);
	$bytes = $p->{bytes}{$role}->($bytes) if $p->{bytes}{$role};
	$r->{files}{$role} = $bytes;
	$r->{versions}{$role} = $signed->{version};
}

# add_roots: those that were there before are sound.
sub add_roots {
	my ($r) = @_;
	my $p = $r->{plan};
	my $last = 2;
	for my $version (1 .. 2) {
		my $text = canonical(root($r, $version));
		$r->{files}{"$version.root"} = $r->{files}{root} =
		    envelope($text, sign(named_key($r, 'root',
		    'root'), $text));
	}
	if ($p->{renew}) {
		$last = $p->{root_version} // 3;
		add($r, 'root', root($r, $last));
		$r->{files}{"$last.root"} = $r->{files}{root};
	}
}

sub add_delegations {
	my ($r, $version) = @_;
	my $us = !$r->{plan}{others} && $keys{us};
	my $targets = targets($version, { base => $r->{target} });
	delegate($targets, 'targets/releases', $keys{alice}, $us || ());
	delegate($targets, 'targets/alice', $keys{alice});
	delegate($targets, 'targets/us', $us) if $us;
	add($r, 'targets', $targets);
	add($r, $_, targets($version, { v1 => $r->{target} }))
	    for qw(targets/releases targets/alice);
}

# resign($repository): snapshot and timestamp of what is there now.
sub resign {
	my ($r, $version) = @_;
	my %meta = map { $_ => file_meta($r->{files}{$_}) }
	    grep { /^(root$|targets)/ } keys %{ $r->{files} };
	add($r, 'snapshot', { _type => 'Snapshot', version => $version + 0,
	    expires => expiry(3 * $year), meta => \%meta });
	add($r, 'timestamp', { _type => 'Timestamp', version => $version + 0,
	    expires => expiry($year / 26), meta => { snapshot =>
	    file_meta($r->{files}{snapshot}) } });
	$r->{version} = $version;
}

# repository($gun, $digest, $size, $plan): {files => {role => bytes}, version,
# …}; without a plan it is as it was before anything happened.
sub repository {
	my ($gun, $digest, $size, $plan) = @_;
	my $hex = $digest =~ s/^sha256://r;
	my $version = $plan ? 4 : 3;
	my $r = { gun => $gun, plan => $plan // {}, files => {}, target => {
	    length => $size + 0, hashes => {
	    sha256 => encode_base64(pack('H*', $hex), '') } } };
	add_roots($r);
	add_delegations($r, $version);
	resign($r, $version);
	my $before = $plan && $plan->{old} && repository($gun, $digest, $size);
	$r->{files}{$_} = $before->{files}{$_} for @{ $r->{plan}{old} // [] };
	for my $role (keys %{ $r->{plan}{served} // {} }) {
		$r->{files}{$_} = $r->{plan}{served}{$role}
		    ->($r->{files}{$_}) for grep { /^(\d+\.)?\Q$role\E$/ &&
		    !/^[12]\.root/ } keys %{ $r->{files} };
	}
	$r->{plan} = {};
	return $r;
}

1;
