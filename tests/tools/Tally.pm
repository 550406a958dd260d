# A harness for prove that also leaves the counts in the file that TALLY
# names: passed, failed, skipped.  A test that was skipped did not pass, and a
# script that ends badly has failed, whatever it printed before.
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
	return $self->SUPER::summary($aggregate);
}

1;
