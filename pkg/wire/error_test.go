package wire_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/textproto"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestEveryCodeGoesThereAndBack(t *testing.T) {
	t.Parallel()
	want := map[kapivara.Code]int{
		kapivara.InvalidRequest: 400, kapivara.Forbidden: 403, kapivara.NotFound: 404, kapivara.WrongVersion: 409,
		kapivara.CanaryMismatch: 409, kapivara.EventIDReused: 409, kapivara.PositionTaken: 409, kapivara.StreamFinished: 409,
		kapivara.FinishConflict: 409, kapivara.StaleToken: 409, kapivara.TooLarge: 413, kapivara.SchemaViolation: 422,
		kapivara.Busy: 429, kapivara.Unavailable: 503, kapivara.OutcomeUnknown: 504, kapivara.Internal: 500,
	}
	if got := len(wire.Codes()); got != len(want) {
		t.Errorf("codes: got %d, want %d", got, len(want))
	}
	for _, code := range wire.Codes() {
		if got := wire.Status(code); got != want[code] {
			t.Errorf("status of %s: got %d, want %d", code, got, want[code])
		}
		position, limit := 3, 0
		expect := kapivara.ExpectVersion(7)
		sent := &kapivara.Error{Code: code, Message: "wrong: \"ü\"\n<&>", Facts: kapivara.Facts{
			Path: "events[0].id", Position: &position, Limit: &limit, Expected: &expect, Missing: []kapivara.Range{{From: 1, To: 2}},
		}}
		headers, body := wire.EncodeError(sent)
		get := func(name string) string { return headers[name] }
		if diff := cmp.Diff(sent, wire.DecodeError(get, body), cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
			t.Errorf("%s from its body: want(-) got(+):\n%s", code, diff)
		}
		short := &kapivara.Error{Code: code, Message: sent.Message}
		if diff := cmp.Diff(short, wire.DecodeError(get, nil), cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
			t.Errorf("%s from its headers: want(-) got(+):\n%s", code, diff)
		}
	}
}

func TestAReplyWithoutErrorHeadersIsNoError(t *testing.T) {
	t.Parallel()
	if err := wire.DecodeError(func(string) string { return "" }, []byte(`{"error":{"code":"busy"}}`)); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestAForeignErrorKeepsItsNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]kapivara.Code{"503": kapivara.Unavailable, "418": kapivara.Internal, "": kapivara.Internal} {
		get := func(name string) string {
			return map[string]string{wire.ErrorCodeHeader: number, wire.ErrorHeader: "something else: 100%"}[name]
		}
		err := wire.DecodeError(get, []byte("no JSON"))
		if err == nil || err.Code != want || err.Message != "something else: 100%" {
			t.Errorf("%s: got %v, want %s", number, err, want)
		}
	}
}

func TestTheMissingOfAFinishedStreamIsAListEvenWhenEmpty(t *testing.T) {
	t.Parallel()
	_, body := wire.EncodeError(&kapivara.Error{Code: kapivara.StreamFinished, Facts: kapivara.Facts{Missing: []kapivara.Range{}}})
	if want := `{"error":{"code":"stream_finished","message":"","missing":[]}}`; string(body) != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestAPathIsThereEvenForTheWholeRequest(t *testing.T) {
	t.Parallel()
	for code, want := range map[kapivara.Code]string{
		kapivara.InvalidRequest:  `{"error":{"code":"invalid_request","message":"m","path":""}}`,
		kapivara.SchemaViolation: `{"error":{"code":"schema_violation","message":"m","path":""}}`,
		kapivara.NotFound:        `{"error":{"code":"not_found","message":"m"}}`,
	} {
		if _, body := wire.EncodeError(kapivara.Refuse(code, "m")); string(body) != want {
			t.Errorf("got %s, want %s", body, want)
		}
	}
}

func FuzzEncodeError(f *testing.F) {
	f.Add("x", "a\r\nNats-Service-Error-Code: 200\r\n")
	f.Add("events[0]", strings.Repeat("ü%\x00\xff ", 200))
	f.Fuzz(func(t *testing.T, path, message string) {
		headers, body := wire.EncodeError(&kapivara.Error{
			Code: kapivara.InvalidRequest, Message: message, Facts: kapivara.Facts{Path: path},
		})
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("no JSON: %q", body)
		}
		line := headers[wire.ErrorHeader]
		if len(line) > 512 {
			t.Fatalf("the header has %d bytes", len(line))
		}
		for _, c := range []byte(line) {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("the header holds the byte %x", c)
			}
		}
		read, err := textproto.NewReader(bufio.NewReader(bytes.NewReader([]byte("E: " + line + "\r\n\r\n")))).ReadMIMEHeader()
		if err != nil || read.Get("E") != line {
			t.Fatalf("the header %q comes back as %q, %v", line, read.Get("E"), err)
		}
	})
}

func TestHeaderValuesArePrintableAndKeepTheirText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain \"text\"": "plain \"text\"",
		"ü%\n":           "%C3%BC%25%0A",
		" ends ":         "%20ends%20",
		"\xff":           "%FF",
		"":               "",
	} {
		if got := wire.HeaderValue(text, 100); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got, want := wire.HeaderValue("aüü", 8), "a%C3%BC"; got != want {
		t.Errorf("cut: got %q, want %q", got, want)
	}
	if got, want := wire.HeaderValue("a bc", 2), "a"; got != want {
		t.Errorf("cut behind a space: got %q, want %q", got, want)
	}
}
