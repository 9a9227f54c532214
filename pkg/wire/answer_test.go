package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestParseReplyKnowsTheFourAnswers(t *testing.T) {
	t.Parallel()
	nak := func(reason string) kapivara.Answer {
		return kapivara.Answer{Verdict: kapivara.Nak, Delay: wire.Backoff, Reason: reason}
	}
	for _, c := range []struct {
		body, failure string
		want          kapivara.Answer
	}{
		{"+ACK", "", kapivara.Answer{Verdict: kapivara.Ack, Delay: wire.Backoff}},
		{"\t+ACK\r\n", "", kapivara.Answer{Verdict: kapivara.Ack, Delay: wire.Backoff}},
		{"+WPI", "", kapivara.Answer{Verdict: kapivara.Progress, Delay: wire.Backoff}},
		{"+TERM", "", kapivara.Answer{Verdict: kapivara.Term, Delay: wire.Backoff}},
		{"+TERM \n no such customer ", "", kapivara.Answer{Verdict: kapivara.Term, Delay: wire.Backoff, Reason: "no such customer"}},
		{"-NAK", "", nak("")},
		{`-NAK {"delay": "10s"}`, "", kapivara.Answer{Verdict: kapivara.Nak, Delay: 10 * time.Second}},
		{"-NAK\n{\"delay\":\"0s\"}\n", "", kapivara.Answer{Verdict: kapivara.Nak}},
		{`-NAK {"delay": 1500000000}`, "", kapivara.Answer{Verdict: kapivara.Nak, Delay: 1500 * time.Millisecond}},
		{`-NAK {"delay": 1.5e9}`, "", kapivara.Answer{Verdict: kapivara.Nak, Delay: 1500 * time.Millisecond}},
		{`-NAK {"delay": null, "reason": "x"}`, "", nak("x")},
		{`-NAK {"delay": -1}`, "", nak(`-NAK {"delay": -1}`)},
		{`-NAK {"delay": "1h30m"}`, "", nak(`-NAK {"delay": "1h30m"}`)},
		{`-NAK {"delay": 1e300}`, "", nak(`-NAK {"delay": 1e300}`)},
		{"-NAKED", "", nak("-NAKED")},
		{"+ACK +ACK", "", nak("+ACK +ACK")},
		{"+ack", "", nak("+ack")},
		{"", "", nak("")},
		{"{}", "", nak("{}")},
		{`{"stream":"x"}`, "", nak(`{"stream":"x"}`)},
		{"panic:\n\tat x\x1b[31m", "", nak("panic:at x[31m")},
		{"+ACK", "500: no", nak("500: no")},
		{strings.Repeat("x", 199) + "ü", "", nak(strings.Repeat("x", 199))},
		{strings.Repeat("x", 198) + "ü", "", nak(strings.Repeat("x", 198) + "ü")},
	} {
		got, ignore := wire.ParseReply([]byte(c.body), c.failure)
		if got != c.want || ignore {
			t.Errorf("%q: got %+v, ignored %v; want %+v", c.body, got, ignore, c.want)
		}
	}
}

func TestParseReplyIgnoresTheAcknowledgementOfJetStream(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"stream":"S","seq":1}`, ` {"type":"x","stream":"S","domain":"d","seq":0,"duplicate":true}`} {
		if _, ignore := wire.ParseReply([]byte(body), ""); !ignore {
			t.Errorf("%s: not ignored", body)
		}
	}
}

func TestAnAnswerGoesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, want := range []kapivara.Answer{
		{Verdict: kapivara.Ack, Delay: wire.Backoff},
		{Verdict: kapivara.Progress, Delay: wire.Backoff},
		{Verdict: kapivara.Term, Delay: wire.Backoff},
		{Verdict: kapivara.Term, Delay: wire.Backoff, Reason: "never \"ü\""},
		{Verdict: kapivara.Nak, Delay: wire.Backoff},
		{Verdict: kapivara.Nak, Delay: 0, Reason: "x \"ü\""},
		{Verdict: kapivara.Nak, Delay: time.Hour},
		{Verdict: kapivara.Nak, Delay: wire.Backoff, Reason: "+ACK"},
	} {
		if got, ignore := wire.ParseReply(wire.FormatAnswer(want), ""); got != want || ignore {
			t.Errorf("reply %s: got %+v, want %+v", wire.FormatAnswer(want), got, want)
		}
		token, got, err := wire.DecodeSettle(wire.EncodeSettle("tok", want))
		if token != "tok" || got != want || err != nil {
			t.Errorf("settle %s: got %q, %+v, %v; want %+v", wire.EncodeSettle("tok", want), token, got, err, want)
		}
	}
}

func TestDecodeSettleRefusesWithThePath(t *testing.T) {
	t.Parallel()
	for body, path := range map[string]string{
		`{"answer":"ack"}`:                                "token",
		`{"token":"t"}`:                                   "answer",
		`{"token":"t","answer":"+ACK"}`:                   "answer",
		`{"token":"t","answer":"ack","delay":"1s"}`:       "delay",
		`{"token":"t","answer":"nak","delay":"1"}`:        "delay",
		`{"token":"t","answer":"nak","delay":{}}`:         "delay",
		`{"token":"t","answer":"nak","until":"tomorrow"}`: "until",
	} {
		_, _, err := wire.DecodeSettle([]byte(body))
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Facts.Path != path {
			t.Errorf("%s: got %v, want invalid_request at %s", body, err, path)
		}
	}
}

func TestWhatAnAnswerHasComeToGoesThereAndBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 8, 30, 0, 1000, time.UTC)
	for _, want := range []kapivara.Settled{
		{State: kapivara.Committed}, {State: kapivara.Parked}, {State: kapivara.Hidden, Until: at}, {State: kapivara.Leased, Deadline: at},
	} {
		if got, err := wire.DecodeSettled(wire.AppendSettled(nil, want)); got != want || err != nil {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := wire.DecodeSettled([]byte(`{"stream":"S","seq":1}`)); err == nil {
		t.Error("the acknowledgement of JetStream: got no error")
	}
}

func FuzzParseReply(f *testing.F) {
	for _, seed := range []string{"+ACK", "-NAK {\"delay\":1}", "+TERM x", `{"stream":"S","seq":1}`, "\xff\x00", strings.Repeat("\xff", 300)} {
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, failure string) {
		a, ignore := wire.ParseReply(body, failure)
		if ignore {
			return
		}
		switch a.Verdict {
		case kapivara.Ack, kapivara.Progress, kapivara.Term, kapivara.Nak:
		default:
			t.Fatalf("no verdict: %+v", a)
		}
		if len(a.Reason) > wire.MaxReason || !utf8.ValidString(a.Reason) || strings.ContainsFunc(a.Reason, unicode.IsControl) {
			t.Fatalf("the reason is not fit to be kept: %q", a.Reason)
		}
		if a.Delay < wire.Backoff {
			t.Fatalf("delay %d", a.Delay)
		}
		if a.Verdict == kapivara.Term {
			return // white space at the ends of its reason is not kept
		}
		if again, _ := wire.ParseReply(wire.FormatAnswer(a), ""); again != a {
			t.Fatalf("got %+v, want %+v", again, a)
		}
	})
}
