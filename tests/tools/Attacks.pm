# What is wrong with a repository of Notary's, by name: ROLE-ATTACK for what
# any role may have, and what is of one role or of several.  Each is a plan
# for Repository.pm, of which the sound one is the empty plan.
package Attacks;
use strict;
use warnings;
use Exporter 'import';
use Tuf qw(entry_key expiry);
our @EXPORT_OK = qw(plan_of);

my %roles = map { $_ => $_ } qw(root timestamp snapshot targets);
$roles{releases} = 'targets/releases';

# of_text(from, to): the signed text is not what it should be, though signed.
sub of_text {
	my ($from, $to) = @_;
	return sub {
		my ($role) = @_;
		return { text => { $role => sub { $_[0] =~ s/$from/$to/r } } };
	};
}

sub of_version {
	my ($to) = @_;
	return of_text(qr/"version":\d+/, qq("version":$to));
}

sub of_edit {
	my ($edit) = @_;
	return sub { return { edit => { $_[0] => $edit } } };
}

sub of_bytes {
	my ($when, $change) = @_;
	return sub { return { $when => { $_[0] => $change } } };
}

my %attacks = (
	# ---- who signs ----
	forged => sub { return { sign => { $_[0] => ['evil'] } } },
	'stolen-id' => sub {
		my ($role) = @_;
		return { claim => { $role => 'evil' } };
	},
	unsigned => sub { return { sign => { $_[0] => [] } } },
	'sig-no-base64' => of_bytes(bytes => sub {
		$_[0] =~ s/"sig":"..../"sig":"*#-!/r }),
	'sig-short' => of_bytes(bytes => sub {
		$_[0] =~ s/"sig":"[^"]*/"sig":"AAAA/r }),
	'sig-empty' => of_bytes(bytes => sub {
		$_[0] =~ s/"sig":"[^"]*/"sig":"/r }),
	'sig-method' => of_bytes(bytes => sub {
		$_[0] =~ s/"method":"[^"]*/"method":"none/r }),
	'sig-pkcs1' => of_bytes(bytes => sub {
		$_[0] =~ s/"method":"[^"]*/"method":"rsapkcs1v15/r }),
	'changed' => of_bytes(bytes => sub {
		$_[0] =~ s/"expires":"\d{4}/"expires":"2099/r }),
	# ---- freeze ----
	expired => of_edit(sub { $_[0]{expires} = expiry(-3600) }),
	'expires-never' => of_edit(sub { delete $_[0]{expires} }),
	'expires-wrong' => of_edit(sub { $_[0]{expires} = 'tomorrow' }),
	'expires-no-day' => of_edit(sub {
		$_[0]{expires} = '2031-02-30T00:00:00Z' }),
	# ---- rollback and fast-forward ----
	back => of_edit(sub { $_[0]{version} = 2 }),
	forward => of_version(2147483647),
	zero => of_version(0),
	negative => of_version(-1),
	float => of_version('4.0'),
	exponent => of_version('4e0'),
	'version-31' => of_version(2147483648),
	'version-63' => of_version('9223372036854775808'),
	'version-long' => of_version('4' x 400),
	'version-text' => of_version('"4"'),
	'version-none' => of_edit(sub { delete $_[0]{version} }),
	# ---- what it is ----
	twice => of_text(qr/"version":(\d+)/, '"version":2,"version":4'),
	case => of_text(qr/"version":(\d+)/, '"Version":2,"version":4'),
	'type-other' => of_edit(sub { $_[0]{_type} = 'Mirrors' }),
	'type-none' => of_edit(sub { delete $_[0]{_type} }),
	deep => of_text(qr/^\{/, '{"Z":' . '[' x 50000 . ']' x 50000 . ','),
	array => of_text(qr/^.*$/s, '[]'),
	'no-json' => of_bytes(bytes => sub { substr($_[0], 0, -1) }),
	trailing => of_bytes(bytes => sub { "$_[0]\{}" }),
	empty => of_bytes(bytes => sub { '' }),
	'signed-twice' => of_bytes(bytes => sub {
		$_[0] =~ s/^\{/{"signed":{"version":1},/r }),
	'signatures-many' => of_bytes(bytes => sub {
		$_[0] =~ s/"signatures":\[(.*)\]/'"signatures":[' .
		    join(',', ($1) x 2000) . ']'/er }),
	# ---- not what is listed ----
	long => of_bytes(served => sub { "$_[0] " }),
	hash => of_bytes(served => sub {
		$_[0] =~ s/"expires":"\d{4}/"expires":"2099/r }),
	cut => of_bytes(served => sub { substr($_[0], 0, 40) }),
	missing => of_bytes(served => sub { return }),
);

# key_of($signed, $role): where a role's keys and ids are.
sub key_place {
	my ($signed, $role) = @_;
	return ($signed->{keys}, $signed->{roles}{$role})
	    if $signed->{roles};
	my ($place) = grep { $_->{name} eq $role }
	    @{ $signed->{delegations}{roles} };
	return ($signed->{delegations}{keys}, $place);
}

# of_keys(ROLE, change): what lists the keys of a role is changed.
sub of_keys {
	my ($role, $change) = @_;
	my $lists = $role =~ m{/} ? 'targets' : 'root';
	return { edit => { $lists => sub {
		my ($signed, $r) = @_;
		my ($keys, $place) = key_place($signed, $role);
		$change->($keys, $place, $r);
	} } };
}

my %of_keys = (
	# Nobody could know whether such a key has signed.
	'key-unknown' => sub {
		my ($keys, $place) = @_;
		my $id = $place->{keyids}[0];
		my $key = entry_key('quantum', 'x' x 32);
		delete $keys->{$id};
		$keys->{ $key->{id} } = $key->{entry};
		$place->{keyids} = [$key->{id}];
	},
	'key-id' => sub {
		my ($keys, $place) = @_;
		my $id = $place->{keyids}[0];
		$keys->{ '0' x 64 } = delete $keys->{$id};
		$place->{keyids} = ['0' x 64];
	},
	'key-none' => sub {
		my ($keys, $place) = @_;
		delete $keys->{ $place->{keyids}[0] };
	},
	'key-private' => sub {
		my ($keys, $place) = @_;
		$keys->{ $place->{keyids}[0] }{keyval}{private} = 'AAAA';
	},
	'no-keys' => sub { $_[1]{keyids} = [] },
	'threshold-zero' => sub { $_[1]{threshold} = 0 },
	'threshold-negative' => sub { $_[1]{threshold} = -1 },
	'threshold-float' => sub { $_[1]{threshold} = 0.5 },
	'threshold-none' => sub { delete $_[1]{threshold} },
);

# needs_two(ROLE, second key's name): two must sign.
sub needs_two {
	my ($role, $second, @signers) = @_;
	my $plan = of_keys($role, sub {
		my ($keys, $place, $r) = @_;
		my $key = Repository::named_key($r, $role, $second);
		$keys->{ $key->{id} } = $key->{entry};
		$place->{keyids} = [$place->{keyids}[0], $key->{id}];
		$place->{threshold} = 2;
	});
	$plan->{sign}{$role} = \@signers;
	return $plan;
}

my %thresholds = (
	# Two are there: this is sound.
	'threshold-met' => ['second', 'own', 'second'],
	'threshold-one' => ['second', 'own'],
	'threshold-repeat' => ['second', 'own', 'own'],
	'threshold-evil' => ['second', 'own', 'evil'],
	# One key by two names is one key.
	'threshold-same' => ['own-x509', 'own', 'own-x509'],
);

# The plans that are of one kind only.
my %plans = (
	sound => sub { return {} },
	# A new root, by the old and by the new key; and by one of them.
	'root-rotated' => sub { return new_root('root', 'root2') },
	'root-rotated-alone' => sub { return new_root('root2') },
	'root-rotated-old' => sub { return new_root('root') },
	'root-rotated-evil' => sub { return new_root('evil', 'root2') },
	# Who signs snapshots and timestamps is another from now on.
	'root-renews' => sub {
		return { renew => 1, sign => { timestamp => ['second'],
		    snapshot => ['second'] }, edit => { root => sub {
			my ($signed) = @_;
			my $key = $Repository::keys{second};
			$signed->{keys}{ $key->{id} } = $key->{entry};
			$signed->{roles}{$_}{keyids} = [$key->{id}]
			    for qw(timestamp snapshot);
		} } };
	},
	# Its key's certificate is good no more: who stole that may be first.
	'root-certificate-old' => sub {
		return new_root('root', 'root2-old');
	},
	# One is left out: nobody has seen who may sign this one.
	'root-skips' => sub {
		my $plan = new_root('root', 'root2');
		$plan->{root_version} = 4;
		return $plan;
	},
	# What its name says is another's.
	'root-misnamed' => sub {
		return { renew => 1, edit => { root => sub {
			$_[0]{version} = 7 } } };
	},
	'root-no-targets' => sub {
		return { renew => 1, edit => { root => sub {
			delete $_[0]{roles}{targets} } } };
	},
	# ---- mix and match ----
	'mix-targets' => sub { return { old => ['targets'] } },
	'mix-releases' => sub { return { old => ['targets/releases'] } },
	'mix-snapshot' => sub { return { old => ['snapshot'] } },
	'mix-unlisted' => sub {
		return { edit => { snapshot => sub {
			delete $_[0]{meta}{'targets/releases'} } } };
	},
	'mix-no-targets' => sub {
		return { edit => { snapshot => sub {
			delete $_[0]{meta}{targets} } } };
	},
	'mix-no-snapshot' => sub {
		return { edit => { timestamp => sub {
			$_[0]{meta} = {} } } };
	},
	'mix-no-hash' => sub {
		return { edit => { snapshot => sub {
			$_[0]{meta}{targets}{hashes} = {} } } };
	},
	# One hash of two that is another's.
	'mix-sha512' => sub {
		return { edit => { timestamp => sub {
			$_[0]{meta}{snapshot}{hashes}{sha512} =
			    'A' x 86 . '==' } } };
	},
	# What was seen, in other words; all that lists it is newer.
	'mix-two' => sub {
		return { edit => { 'targets/releases' => sub {
			$_[0]{version} = 3;
			$_[0]{expires} = expiry(86400) } } };
	},
	'mix-length' => sub {
		return { edit => { timestamp => sub {
			$_[0]{meta}{snapshot}{length} += 1 } } };
	},
	'mix-endless' => sub {
		return { edit => { timestamp => sub {
			$_[0]{meta}{snapshot}{length} = 2**40 } } };
	},
	# ---- delegations ----
	'delegates-none' => sub {
		return { edit => { targets => sub {
			$_[0]{delegations} = { keys => {}, roles => [] } } } };
	},
	'delegates-others' => sub { return { others => 1 } },
	# Ours is signed by two: one that signs alone does it for nothing.
	'delegates-two' => sub {
		return later(sub {
			$_->{threshold} = 2 for grep { $_->{name} eq
			    'targets/us' } @{ $_[0]{delegations}{roles} };
		});
	},
	# One delegate goes; what another signed before is sound, or old.
	'delegates-fewer' => sub { return fewer(4) },
	'delegates-fewer-back' => sub { return fewer(2) },
	# Who signs releases is another from now on.
	'delegates-renews' => sub {
		my $plan = later(sub {
			my $d = $_[0]{delegations};
			my $key = $Repository::keys{second};
			$d->{keys}{ $key->{id} } = $key->{entry};
			$d->{roles}[0]{keyids} = [$key->{id}];
		});
		$plan->{sign}{'targets/releases'} = ['second'];
		return $plan;
	},
	'delegates-paths' => sub {
		return { edit => { targets => sub {
			$_->{paths} = ['other/']
			    for @{ $_[0]{delegations}{roles} } } } };
	},
	# Whoever holds the server's keys would have an old tag count again.
	'delegates-fallback' => sub {
		return { sign => { 'targets/releases' => ['evil'] },
		    edit => { targets => sub {
			my $old = { %{ $_[0]{targets}{base} } };
			$old->{hashes} = { sha256 => 'A' x 43 . '=' };
			$_[0]{targets}{v1} = $old } } };
	},
	'delegates-twice' => sub {
		return { edit => { targets => sub {
			push @{ $_[0]{delegations}{roles} },
			    $_[0]{delegations}{roles}[0] } } };
	},
	# A delegate names signers that are not below it.
	'delegates-beside' => sub {
		return { edit => { 'targets/releases' => sub {
			Repository::delegate($_[0], 'targets/carol',
			    $Repository::keys{alice}) } } };
	},
	'delegates-itself' => sub {
		return { edit => { targets => sub {
			$_[0]{delegations}{roles}[0]{name} = 'targets' } } };
	},
	# ---- what is signed for ----
	'target-length' => sub { return of_target(length => -1) },
	'target-size' => sub { return of_target(length => 5) },
	'target-hash' => sub { return of_target(hashes => {}) },
	'target-hash-short' => sub {
		return of_target(hashes => { sha256 => 'AAAA' });
	},
	'target-name' => sub {
		return { edit => { 'targets/releases' => sub {
			$_[0]{targets}{"v1\e[2J"} = $_[0]{targets}{v1} } } };
	},
	'target-none' => sub {
		return { edit => { 'targets/releases' => sub {
			$_[0]{targets} = {} } } };
	},
);

# fewer($version): releases are of that version, and have one key the less.
sub fewer {
	my ($version) = @_;
	my $plan = later(sub {
		my $place = $_[0]{delegations}{roles}[0];
		$place->{keyids} = [$place->{keyids}[0]];
	});
	$plan->{edit}{'targets/releases'} = sub { $_[0]{version} = $version };
	return $plan;
}

# later(change): of targets, in versions that may follow any other attack.
sub later {
	my ($change) = @_;
	my $next = sub { $_[0]{version} = 5 };
	return { edit => { snapshot => $next, timestamp => $next,
	    targets => sub { $next->(@_); $change->(@_) } } };
}

sub of_target {
	my ($name, $value) = @_;
	return { edit => { 'targets/releases' => sub {
		$_[0]{targets}{v1}{$name} = $value } } };
}

# new_root(KEY...): the next root, whose key is root2, signed by these.
sub new_root {
	my ($next) = (grep({ /^root2/ } @_), 'root2');
	return { renew => 1, sign => { root => [@_] }, edit => { root => sub {
		my ($signed, $r) = @_;
		my $key = Repository::named_key($r, 'root', $next);
		my $place = $signed->{roles}{root};
		delete $signed->{keys}{ $place->{keyids}[0] };
		$signed->{keys}{ $key->{id} } = $key->{entry};
		$place->{keyids} = [$key->{id}];
	} } };
}

# plan_of($name), or nothing.
sub plan_of {
	my ($name) = @_;
	return $plans{$name}->() if $plans{$name};
	my ($role, $attack) = $name =~ /^(\w+?)-(.*)/ or return;
	$role = $roles{$role} // return;
	my $plan = $attacks{$attack} ? $attacks{$attack}->($role) :
	    $of_keys{$attack} ? of_keys($role, $of_keys{$attack}) :
	    $thresholds{$attack} ?
	    needs_two($role, @{ $thresholds{$attack} }) : return;
	$plan->{renew} = 1 if $role eq 'root' || $plan->{edit}{root};
	return $plan;
}

# names(): all of them.
sub names {
	my @names = sort keys %plans;
	for my $role (sort keys %roles) {
		push @names, map { "$role-$_" } sort keys %attacks,
		    keys %of_keys;
		push @names, map { "$role-$_" } sort keys %thresholds
		    if $role ne 'root';
	}
	return @names;
}

1;
