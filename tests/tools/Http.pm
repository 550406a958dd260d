# A small web server for tests: one connection at a time, one request each.
package Http;
use strict;
use warnings;
use IO::Socket::INET;
use Exporter 'import';
our @EXPORT_OK = qw(serve answer send_head gone);

my %words = (200 => 'OK', 201 => 'Created', 202 => 'Accepted',
    307 => 'Temporary Redirect', 401 => 'Unauthorized', 404 => 'Not Found',
    412 => 'Precondition Failed', 429 => 'Too Many Requests',
    500 => 'Internal Server Error');

# send_head($client, $status, {header => value})
sub send_head {
	my ($c, $status, $headers) = @_;
	my $head = "HTTP/1.1 $status " . ($words{$status} // 'Whatever') .
	    "\r\nConnection: close\r\n";
	for my $name (sort keys %$headers) {
		$head .= "$name: $_\r\n" for ref $headers->{$name} ?
		    @{ $headers->{$name} } : $headers->{$name};
	}
	print $c "$head\r\n";
}

# answer($client, $status, {header => value}, $body)
sub answer {
	my ($c, $status, $headers, $body) = @_;
	$body //= '';
	send_head($c, $status, { 'Content-Length' => length $body,
	    %$headers });
	print $c $body unless ${*$c}{http_head};
	$c->flush;
}

# Waits until the other side has gone.
sub gone {
	my ($c) = @_;
	my $unused;
	1 while sysread($c, $unused, 4096);
}

# TLS gives what one record has.
sub read_whole {
	my ($c, $body, $size) = @_;
	while ($size) {
		my $got = read($c, $$body, $size, length $$body) or return;
		$size -= $got;
	}
	return 1;
}

sub read_chunks {
	my ($c, $body) = @_;
	while (defined(my $line = <$c>)) {
		my $size = hex($line =~ /^([0-9a-fA-F]+)/ ? $1 : 0);
		read_whole($c, $body, $size) or return;
		<$c> // return;
		return 1 unless $size;
	}
	return;
}

sub read_request {
	my ($c) = @_;
	my $line = <$c> // return;
	my %r = (headers => {}, body => '');
	$line =~ m{^(\S+) (\S+) HTTP} or return;
	($r{method}, $r{target}) = ($1, $2);
	($r{path}, $r{query}) = split(/\?/, $r{target}, 2);
	$r{query} //= '';
	while (defined($line = <$c>) && $line =~ /^([^:]+):\s*(.*?)\r?\n/) {
		$r{headers}{lc $1} = $2;
	}
	my $length = $r{headers}{'content-length'} // 0;
	read_whole($c, \$r{body}, $length) or return;
	read_chunks($c, \$r{body}) or return
	    if ($r{headers}{'transfer-encoding'} // '') eq 'chunked';
	${*$c}{http_head} = $r{method} eq 'HEAD';
	return \%r;
}

# The files are read once.
sub context {
	my ($tls) = @_;
	require IO::Socket::SSL;
	return IO::Socket::SSL::SSL_Context->new(SSL_server => 1,
	    SSL_cert_file => $tls->{cert}, SSL_key_file => $tls->{key}) //
	    die "no TLS with $tls->{cert}\n";
}

# serve(address, port, handler, {cert, key}): for ever.  The handler gets the
# request and the client.
sub serve {
	my ($address, $port, $handler, $tls) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $listen = IO::Socket::INET->new(LocalAddr => $address,
	    LocalPort => $port, Listen => 64, ReuseAddr => 1)
	    or die "$address:$port: $!\n";
	my $context = $tls && context($tls);
	while (1) {
		my $c = $listen->accept or next;
		$c->autoflush(1);
		IO::Socket::SSL->start_SSL($c, SSL_server => 1,
		    SSL_reuse_ctx => $context) or next if $context;
		my $r = read_request($c) or next;
		$handler->($r, $c);
		close($c);
	}
}
1;
