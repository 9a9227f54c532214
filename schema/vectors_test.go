package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

var update = flag.Bool("update", false, "write the test vectors anew")

type bucketVector struct {
	Stream  string         `json:"stream"`
	Hash    string         `json:"xxhash64"` // 16 hexadecimal digits
	Buckets map[string]int `json:"buckets"`  // number of buckets -> bucket
}

type answerVector struct {
	Reply   string  `json:"reply"`
	Failure string  `json:"nats_service_error,omitempty"`
	Ignored bool    `json:"ignored,omitempty"`
	Answer  string  `json:"answer,omitempty"`
	DelayMS *int64  `json:"delay_ms,omitempty"`
	Reason  *string `json:"reason,omitempty"`
}

type nameVector struct {
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Valid bool   `json:"valid"`
	Is    string `json:"is,omitempty"` // the form in which it is compared and returned, where that is another
}

func TestVectorsAreWhatTheCoreDoes(t *testing.T) {
	t.Parallel()
	for name, vectors := range map[string]any{
		"bucket.json": bucketVectors(), "answers.json": answerVectors(), "names.json": nameVectors(),
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(vectors); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("vectors", name)
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what the core does; a vector never changes after a release", path)
		}
	}
}

func bucketVectors() []bucketVector {
	var vectors []bucketVector
	for _, stream := range []kapivara.Stream{
		"lending/loans/application/A-173688", "a/b/c/d", "lending/loans/application/a/b.c d",
		"lending/loans/application/ü", "lending/loans/application/日本語", "lending/loans/application/" + "x",
		"c0/s-1/t_2/00000000-0000-4000-8000-000000000000",
	} {
		v := bucketVector{Stream: string(stream), Hash: fmt.Sprintf("%016x", stream.Hash()), Buckets: map[string]int{}}
		for _, n := range []int{1, 2, 3, 7, 8, 9, 16, 100, 1000, 1024} {
			v.Buckets[strconv.Itoa(n)] = int(kapivara.BucketOf(stream.Hash(), false, n, 0))
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func answerVectors() []answerVector {
	var vectors []answerVector
	for _, v := range []answerVector{
		{Reply: "+ACK"},
		{Reply: " +ACK\r\n"},
		{Reply: "-NAK"},
		{Reply: `-NAK {"delay": "10s"}`},
		{Reply: `-NAK {"delay":10000000000}`},
		{Reply: `-NAK {"delay":0}`},
		{Reply: `-NAK {"delay":"soon"}`},
		{Reply: "-NAK later"},
		{Reply: "+WPI"},
		{Reply: "+TERM"},
		{Reply: "+TERM no such customer"},
		{Reply: "+ack"},
		{Reply: "+ACK thanks"},
		{Reply: "+NXT"},
		{Reply: ""},
		{Reply: "  "},
		{Reply: "ok"},
		{Reply: "a\nb\u0000c"},
		{Reply: `{"ok":true}`},
		{Reply: `{"stream":"S","seq":1}`},
		{Reply: "", Failure: "500: out of order"},
		{Reply: "+ACK", Failure: "boom"},
	} {
		answer, ignored := wire.ParseReply([]byte(v.Reply), v.Failure)
		v.Ignored, v.Answer = ignored, string(answer.Verdict)
		if !ignored && answer.Delay >= 0 {
			ms := answer.Delay.Milliseconds()
			v.DelayMS = &ms
		}
		if answer.Reason != "" {
			v.Reason = &answer.Reason
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func nameVectors() []nameVector {
	var vectors []nameVector
	add := func(kind, text, is string, err error) {
		v := nameVector{Kind: kind, Text: text, Valid: err == nil}
		if err == nil && is != text {
			v.Is = is
		}
		vectors = append(vectors, v)
	}
	for _, text := range []string{"loans-api", "a", "0", "a_b", "-a", "_a", "", "A", "a.b", "a*", "ü", "a b"} {
		add("token", text, text, kapivara.CheckToken("", "", text))
	}
	for _, text := range []string{
		"lending/loans/application/A-173688", "a/b/c/d/e/f", "a/b/c/ ", "a/b/c/.*>", "a/b/c/", "a/b/c", "/a/b/c/d", "A/b/c/d", "a/b/c/\n",
	} {
		stream, err := kapivara.ParseStream(text)
		add("stream", text, string(stream), err)
	}
	for _, text := range []string{"application.submitted", "T02 Check confirmation", "a.*", "", "a\tb"} {
		add("event type", text, text, kapivara.CheckEventType("", text))
	}
	for _, text := range []string{"01890A5D-AC96-774B-BCCE-B302099A8057", "01890a5d-ac96-774b-bcce-b302099a8057", "ABC", "x y", "", "a\u0000"} {
		id, err := kapivara.ParseEventID("", text)
		add("event id", text, string(id), err)
	}
	for _, text := range []string{"0", "1023", "canary-0", "canary-1023", "1024", "01", "-1", "+1", "canary-", "Canary-0", ""} {
		_, err := kapivara.ParseBucket("", text)
		add("bucket", text, text, err)
	}
	for _, text := range []string{"30s", "100ms", "2m", "12h", "0s", "1.5s", "1m30s", "s", "10", "-1s", "1d", "99999999999999999h"} {
		_, err := kapivara.ParseDuration("", text)
		add("duration", text, text, err)
	}
	return vectors
}

// The vectors rest on published ones: those of the xxHash specification and of the paper's implementations.
func TestHashesAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"": 0xef46db3751d8e999, "a": 0xd24ec4f1a98c6e5b, "abc": 0x44bc2cf5ad770999} {
		if got := xxhash.Sum64String(text); got != want {
			t.Errorf("xxHash64 of %q: got %x, want %x", text, got, want)
		}
		if got := kapivara.Stream(text).Hash(); got != want {
			t.Errorf("hash of the stream %q: got %x, want %x", text, got, want)
		}
	}
	for _, v := range []struct {
		key           uint64
		buckets, want int
	}{{1, 1, 0}, {42, 57, 43}, {0xDEAD10CC, 1, 0}, {0xDEAD10CC, 666, 361}, {256, 1024, 520}} {
		if got := kapivara.JumpHash(v.key, v.buckets); got != v.want {
			t.Errorf("jump hash of %d over %d: got %d, want %d", v.key, v.buckets, got, v.want)
		}
	}
}
