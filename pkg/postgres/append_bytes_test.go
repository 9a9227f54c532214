package postgres_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

// The form of an id in the database is one to one: no two ids share it, and it gives the id back.
func TestEachIDHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	const uuid = "018f0000-0000-7000-8000-0000000000ab"
	keys := map[string]string{}
	for _, id := range []string{
		uuid, "a", "14 bytes of it", "15 bytes of it!", "16 bytes of it!!", "17 bytes of it!!!", strings.Repeat("x", 128), strings.Repeat("é", 64),
		"018f00000000700080000000000000ab", "{" + uuid + "}", uuid + " ", "018f0000-0000-7000-8000-0000000000ag", "ÿþ",
	} {
		normal, err := kapivara.ParseEventID("id", id)
		if err != nil {
			t.Fatal(err)
		}
		key := string(postgres.IDKey(normal))
		if other, taken := keys[key]; taken {
			t.Errorf("%q and %q have the same key", id, other)
		}
		keys[key] = id
	}
	upper, err := kapivara.ParseEventID("id", strings.ToUpper(uuid))
	if err != nil || keys[string(postgres.IDKey(upper))] != uuid {
		t.Errorf("a UUID in upper case has a key of its own: %v", err)
	}
}

// I-04: whatever the bytes, they come back as they were sent, in the data, the attributes and the id.
func TestBytesAreKept(t *testing.T) {
	t.Parallel()
	pgURL := kit.Postgres(t)
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	store := stores.PostgresAt(t, pgURL, true)
	var sent []*kapivara.Append
	texts := rapid.StringMatching(`[^\x00-\x1f\x7f-\x{9f}*]{1,40}`)
	for i := range 60 {
		a := appendOf(fmt.Sprint(texts.Example(i), i), fmt.Sprintf("%.100s%d", texts.Example(1000+i), i))
		e := &a.Events[0]
		e.Type = texts.Example(2000 + i)
		e.Kind, e.Data = kapivara.BinaryData, rapid.SliceOf(rapid.Byte()).Example(i)
		if i%2 == 0 {
			e.Kind, e.Data = kapivara.JSONData, fmt.Appendf(nil, "  {%q : [1.00, 1e131071, \"\\ud800\\u0000\"]}\n", texts.Example(3000+i))
		}
		e.Attributes = fmt.Appendf(nil, `"subject":%q,"n":2147483647`, texts.Example(4000+i))
		sent = append(sent, a)
	}
	long := appendOf(strings.Repeat("s", 200), strings.Repeat("i", 128))
	long.Events[0].Type, long.Events[0].Data = strings.Repeat("t", 200), bytes.Repeat([]byte("9"), 512<<10)
	sent = append(sent, long)
	for _, a := range sent {
		if got := w.send(a); got.err != nil {
			t.Fatalf("%+v: %v", a, got.err)
		}
	}
	restarted := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	for i, e := range store.Events(t) {
		want := sent[i].Events[0]
		if e.Stream != sent[i].Stream || e.ID != want.ID || e.Type != want.Type || e.Kind != want.Kind ||
			!bytes.Equal(e.Data, want.Data) || !bytes.Equal(e.Attributes, want.Attributes) {
			t.Errorf("stored %+v, sent %+v", e, want)
		}
		if got := restarted.send(sent[i]); got.err != nil || got.Events[0].Stored {
			t.Errorf("the same bytes again: %+v", got)
		}
	}
}

// A UUID is one id in whatever case it is written.
func TestAUUIDInUpperCaseIsTheSameID(t *testing.T) {
	t.Parallel()
	w := appendWriter(t, stores.PostgresLog(t, kit.Postgres(t), true))
	const uuid = "018F0000-0000-7000-8000-0000000000AB"
	for i, text := range []string{uuid, strings.ToLower(uuid), "018f0000-0000-7000-8000-0000000000aB"} {
		id, err := kapivara.ParseEventID("id", text)
		if err != nil {
			t.Fatal(err)
		}
		a := appendOf("S", string(id))
		a.Events[0].Data = []byte("1")
		if got := w.send(a); got.err != nil || got.Events[0].Stored != (i == 0) || got.Events[0].ID != kapivara.EventID(strings.ToLower(uuid)) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
