package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"kapivara/pkg/client"
)

// Of every reason that docs/explain.md has, the next step names no subject, and each command is one that the program takes.
func TestNextStepsAreCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z]+(?:_[a-z]+)*)`").FindAllStringSubmatch(string(text), -1) {
		codes[m[1]] = true
	}
	for code := range codes {
		r := client.Reason{
			Subscriber: "billing", Code: code, Bucket: "3", Number: 12, NextStep: "wait",
			Why: "an earlier delivery of the same stream comes first, and it is parked: billing/3/7: bad IBAN",
		}
		if code == "held_back" {
			r.NextStep = "retry billing/3/7 (kapivara.v1.delivery.retry.billing) or discard it (kapivara.v1.delivery.discard.billing)"
		}
		steps := nextSteps("shop/web/order/A 1", r)
		for _, step := range steps {
			if strings.Contains(step, "kapivara.v1.") || step == "" {
				t.Errorf("%s: %q is no step for people", code, step)
			}
			if words, ok := strings.CutPrefix(step, "kapivara "); ok {
				takesCommand(t, words)
			}
		}
	}
	if len(codes) < 35 {
		t.Errorf("only %d codes are found", len(codes))
	}
}

// takesCommand holds the words to the tree of commands.
func takesCommand(t *testing.T, words string) {
	t.Helper()
	var root cli
	parser, err := kong.New(&root, append([]kong.Option{kong.Exit(func(int) {})}, serverCommands()...)...)
	if err != nil {
		t.Fatal(err)
	}
	words = strings.NewReplacer("'shop/web/order/A 1'", "A_1", "DATA", "{}", " N", " 2").Replace(words)
	if _, err := parser.Parse(strings.Fields(words)); err != nil {
		t.Errorf("kapivara %s: %v", words, err)
	}
}

func TestTheStepsOfAReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason client.Reason
		want   string
	}{
		{client.Reason{Code: "attempts_refused", Number: 12}, "mend the cause, then retry it, or give it up:|kapivara retry billing --number 3/12|kapivara discard billing --number 3/12"},
		{client.Reason{Code: "before_start"}, "nothing, or to have it delivered all the same:|kapivara replay billing --after 0 --stream 'shop/web/order/it'\\''s'"},
		{client.Reason{Code: "committed", NextStep: "nothing"}, "nothing"},
		{client.Reason{Code: "committed", NextStep: "nothing, or replay the stream: kapivara.v1.delivery.replay.billing"}, "nothing, or to have it delivered whole:|kapivara replay billing --after 0 --stream 'shop/web/order/it'\\''s'"},
		{client.Reason{Code: "held_back", Why: "an earlier delivery of the same stream comes first, and it is leased: billing/2/7 until noon", NextStep: "wait for its answer"}, "wait, or look at the deliveries of the subscriber:|kapivara bucket billing"},
		{client.Reason{Code: "held_back", Why: "an earlier delivery of the same stream comes first, and it is parked: billing/2/7: bad IBAN", NextStep: "retry billing/2/7 or discard it"}, "retry the earlier delivery, or give it up:|kapivara retry billing --number 2/7|kapivara discard billing --number 2/7"},
		{client.Reason{Code: "of_a_later_version", NextStep: "sing"}, "sing"},
	} {
		c.reason.Subscriber, c.reason.Bucket = "billing", "3"
		if got := strings.Join(nextSteps("shop/web/order/it's", c.reason), "|"); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.reason.Code, got, c.want)
		}
	}
	for word, want := range map[string]string{"a/b/c/1": "a/b/c/1", "a/b/c/-x y": "'a/b/c/-x y'", "": "''", "$(rm)": "'$(rm)'", "-n": "'-n'"} {
		if got := quoted(word); got != want {
			t.Errorf("%q is quoted as %s, want %s", word, got, want)
		}
	}
}
