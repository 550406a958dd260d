#!/bin/sh
# The counts that tests/run ends with: what did not run did not pass, and what
# ended badly has failed, whatever it printed before.
. "$(dirname "$0")/lib.sh"

# tally SCRIPT: "passed failed skipped" of a script with these lines.
tally() {
	{ echo '#!/bin/sh'; cat; } >"$work/one.t"
	chmod +x "$work/one.t"
	rm -f "$work/tally"
	PERL5LIB=$src/tests/tools TALLY=$work/tally prove --harness Tally \
	    --exec "$src/tests/tools/one-test" "$work/one.t" >"$work/out" 2>&1
	rc=$?
	echo "$(cat "$work/tally" 2>/dev/null) exit $rc"
}

is 'all pass' "$(tally <<'END'
echo 1..2; echo ok 1; echo ok 2
END
)" '2 0 0 exit 0'
is 'one fails' "$(tally <<'END'
echo 1..2; echo ok 1; echo not ok 2
END
)" '1 1 0 exit 1'
is 'skipped is not passed' "$(tally <<'END'
echo 1..2; echo ok 1; echo 'ok 2 # SKIP no card'
END
)" '1 0 1 exit 0'
is 'skipped as cmocka says it' "$(tally <<'END'
echo 1..2; echo ok 1; echo 'not ok 2 # SKIP no card'
END
)" '1 0 1 exit 0'
is 'what a test that passes says besides is not shown' "$(tally <<'END'
echo 1..1; echo ok 1; echo noise >&2
END
grep noise "$work/out")" '1 0 0 exit 0'
tally <<'END' >"$work/count"
echo 1..1; echo not ok 1; echo noise >&2
END
like 'of one that fails it is' "$(cat "$work/out")" '^noise'
tally <<'END' >"$work/count"
echo 1..1; echo ok 1; echo noise >&2; exit 3
END
like 'and of one that ends badly' "$(cat "$work/out")" '^noise'
is 'all skipped' "$(tally <<'END'
echo '1..0 # SKIP no card'
END
)" '0 0 1 exit 0'
told() {	# the lines about what was skipped
	sed -n "s|^skipped: $work/||p" "$work/out"
}
is 'nothing is told to be skipped which was not' "$(tally <<'END'
echo 1..1; echo '# skipped: not so'; echo ok 1
END
told)" '1 0 0 exit 0'
tally <<'END' >"$work/count"
echo 1..3; echo 'ok 1 - a # SKIP no card'; echo ok 2 - b
echo '# skipped: no root'; echo 'not ok 3 # SKIP c'
END
is 'what was skipped is told, with the reason' "$(told)" 'one.t: a: no card
one.t: c: no root'
tally <<'END' >"$work/count"
echo '1..0 # SKIP no card'
END
is 'a whole script too' "$(told)" 'one.t: no card'
is 'ends before its plan does' "$(tally <<'END'
echo 1..3; echo ok 1
END
)" '1 1 0 exit 1'
is 'all pass, but a bad end' "$(tally <<'END'
echo 1..1; echo ok 1; exit 3
END
)" '1 1 0 exit 1'
is 'killed' "$(tally <<'END'
echo 1..1; echo ok 1; kill -SEGV $$
END
)" '1 1 0 exit 1'
is 'no word at all' "$(tally <<'END'
:
END
)" '0 1 0 exit 1'
done_testing
