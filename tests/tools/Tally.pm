# A harness for prove that also leaves the counts in the file that TALLY
# names: passed, failed, skipped; and that says which were skipped, and why.  A
# test that was skipped did not pass, and a script that ends badly has failed,
# whatever it printed before.
package Tally;

use strict;
use warnings;
use parent 'TAP::Harness';

sub count {
	my ($parser) = @_;
	my $passed = () = $parser->passed;
	my $failed = () = $parser->failed;
	my %not_run = map { $_ => 1 } $parser->skipped, $parser->todo;

	# Plan not kept, unreadable output, or a bad end.
	$failed++ if !$failed && $parser->has_problems;
	my $skipped = keys %not_run;
	$passed -= $skipped;
	$skipped++ if $parser->skip_all;
	return ($passed < 0 ? 0 : $passed, $failed, $skipped);
}

# What is skipped says why; for cmocka, which has no place for that, the
# comment before does.
sub make_parser {
	my ($self, $job) = @_;
	my ($parser, $session) = $self->SUPER::make_parser($job);
	my $why = '';

	$parser->callback(comment => sub {
		$why = $1 if $_[0]->comment =~ /^skipped: (.*)/;
	});
	$parser->callback(test => sub {
		my ($test) = @_;
		my @said = grep { length }
		    $test->description =~ s/^- //r, $test->explanation, $why;

		push @{$parser->{tally_skips}}, join ': ', @said
		    if $test->has_skip;
		$why = '';
	});
	return ($parser, $session);
}

sub tell_skips {
	my ($name, $parser) = @_;
	my @skips = @{$parser->{tally_skips} // []};

	unshift @skips, $parser->skip_all if $parser->skip_all;
	$name =~ s{^\Q$ENV{TOUCHSTONE_BUILD}\E/}{}
	    if defined $ENV{TOUCHSTONE_BUILD};
	print "skipped: $name: $_\n" for @skips;
}

sub summary {
	my ($self, $aggregate) = @_;
	my @sum = (0, 0, 0);

	for my $parser ($aggregate->parsers) {
		my @one = count($parser);
		$sum[$_] += $one[$_] for 0 .. 2;
	}
	if (defined $ENV{TALLY}) {
		open my $fh, '>', $ENV{TALLY} or die "$ENV{TALLY}: $!\n";
		print $fh "@sum\n";
		close $fh or die "$ENV{TALLY}: $!\n";
	}
	$self->SUPER::summary($aggregate);
	tell_skips($_, $aggregate->parsers($_)) for $aggregate->descriptions;
}

1;
