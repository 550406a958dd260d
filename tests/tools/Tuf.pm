# Roles of Notary's TUF, made and signed with openssl, for tests.
#
# A key is {entry, id, method, file}: what a role lists, and what signs.
package Tuf;
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex sha512);
use Exporter 'import';
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX qw(strftime);
our @EXPORT_OK = qw(canonical certified make_key public_key entry_key sign
    envelope file_meta expiry write_file);

my $json = JSON::PP->new->canonical;
# What is the same again need not be signed again.
my $now = time;
my %made;

sub canonical {
	return $json->encode($_[0]);
}

sub base64 {
	return encode_base64($_[0], '');
}

# entry_key($type, $public, more): a key whose entry is this.
sub entry_key {
	my ($type, $public, %more) = @_;
	my $entry = { keytype => $type, keyval => { private => undef,
	    public => base64($public) } };
	return { entry => $entry, id => sha256_hex(canonical($entry)), %more };
}

sub read_pem {
	local (@ARGV, $/) = $_[0];
	return scalar <>;
}

sub write_file {
	my ($file, $text) = @_;
	open(my $f, '>', $file) or die "$file: $!\n";
	print $f $text;
	close($f) or die "$file: $!\n";
}

sub run {
	system('openssl', @_) == 0 or die "openssl @_\n";
}

my %kinds = (
	ecdsa => ['EC', 'ec_paramgen_curve:P-256', 'ecdsa'],
	p384 => ['EC', 'ec_paramgen_curve:P-384', 'ecdsa'],
	rsa => ['RSA', 'rsa_keygen_bits:2048', 'rsapss'],
	small => ['RSA', 'rsa_keygen_bits:1024', 'rsapss'],
);

# make_key($folder, $name, $kind): the same again where it was made before.
sub make_key {
	my ($folder, $name, $kind) = @_;
	my ($algorithm, $option, $method) = @{ $kinds{$kind} };
	my $file = "$folder/$name.key";
	run('genpkey', '-quiet', '-algorithm', $algorithm, '-pkeyopt', $option,
	    '-out', $file) unless -f $file;
	my $type = $algorithm eq 'EC' ? 'ecdsa' : 'rsa';
	return entry_key($type, scalar qx(openssl pkey -in '$file' -pubout \\
	    -outform DER), file => $file, method => $method);
}

# Notary takes no authority's certificate for a root.
my $certificate = <<'END';
[req]
distinguished_name = name
x509_extensions = leaf
[name]
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = codeSigning
END

# certified($file, $name, $old): of a key in a file, by a certificate with that
# name, or by one that ended yesterday.
sub certified {
	my ($file, $name, $old) = @_;
	my $crt = $file . '.' . sha256_hex($name) . ($old ? '.old' : '');
	unless (-f $crt) {
		write_file("$file.cnf", $certificate);
		run(qw(req -x509 -days 3650 -config), "$file.cnf", '-key',
		    $file, '-subj', '/CN=' . $name =~ s{/}{\\/}gr, '-out',
		    $crt);
		run(qw(x509 -days -1 -in), $crt, '-signkey', $file, '-out',
		    $crt) if $old;
	}
	return entry_key('ecdsa-x509', read_pem($crt), file => $file,
	    method => 'ecdsa');
}

# public_key($file): of somebody else, in PEM; a certificate's as such, and
# Ed25519's without what says that it is one.
sub public_key {
	my ($file) = @_;
	my $pem = read_pem($file);
	my ($body) = $pem =~ /-----BEGIN PUBLIC KEY-----\s(.*?)-----END/s;
	my $reader = defined $body ? 'pkey -pubin' : 'x509';
	my $text = qx(openssl $reader -in '$file' -text -noout);
	return entry_key('ed25519', substr(decode_base64($body), -32))
	    if defined $body && $text =~ /^ED25519/;
	my $type = $text =~ /Modulus:/ ? 'rsa' : 'ecdsa';
	return defined $body ? entry_key($type, decode_base64($body)) :
	    entry_key("$type-x509", $pem);
}

# Of DER, the two numbers behind one another, as long as the curve's.
sub plain_signature {
	my ($der, $size) = @_;
	my $at = ord(substr($der, 1, 1)) & 0x80 ? 3 : 2;
	my $out = '';
	for (1 .. 2) {
		my $length = ord(substr($der, $at + 1, 1));
		my $n = substr($der, $at + 2, $length) =~ s/^\0+//r;
		$out .= ("\0" x ($size - length $n)) . $n;
		$at += 2 + $length;
	}
	return $out;
}

# sign($key, $text): an entry of "signatures".
sub sign {
	my ($key, $text) = @_;
	my $id = "$key->{file} " . sha256_hex($text);
	$made{$id} //= do {
		my $in = "$key->{file}.in";
		write_file($in, $text);
		my $pss = $key->{method} eq 'rsapss' ? '-sigopt ' .
		    'rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32' : '';
		scalar qx(openssl dgst -sha256 -sign '$key->{file}' $pss '$in');
	};
	my $bytes = $made{$id};
	$bytes = plain_signature($bytes, length $bytes > 80 ? 48 : 32)
	    if $key->{method} eq 'ecdsa';
	return { keyid => $key->{id}, method => $key->{method},
	    sig => base64($bytes) };
}

# envelope($text, @signatures): Notary writes it like this.
sub envelope {
	my ($text, @signatures) = @_;
	return qq({"signed":$text,"signatures":) . canonical(\@signatures) .
	    '}';
}

# file_meta($bytes): how another role lists it.
sub file_meta {
	my ($bytes) = @_;
	return { length => length $bytes, hashes => {
	    sha256 => base64(sha256($bytes)),
	    sha512 => base64(sha512($bytes)) } };
}

# expiry($seconds): from when all began.
sub expiry {
	return strftime('%Y-%m-%dT%H:%M:%S.123456789Z',
	    gmtime($now + $_[0]));
}
1;
