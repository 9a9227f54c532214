package wire_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func benchRequest(n int) []byte {
	var events []string
	for i := range n {
		events = append(events, fmt.Sprintf(`{"id":"01890a5d-ac96-774b-bcce-b302099a%04x","type":"application.submitted",`+
			`"time":"2026-01-31T09:30:00.120Z","data":{"amount":20000,"currency":"EUR","customer":"C-%d"}}`, i, i))
	}
	return []byte(`{"stream":"lending/loans/application/A-173688","events":[` + strings.Join(events, ",") + `]}`)
}

func BenchmarkDecodeAppend(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		body := benchRequest(n)
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := wire.DecodeAppend(body, wire.DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
		})
	}
}

func BenchmarkAppendReply(b *testing.B) {
	r := &kapivara.AppendResult{
		Stream: "lending/loans/application/A-173688", Version: 7, Contiguous: 7,
		Events: []kapivara.Placed{{ID: "01890a5d-ac96-774b-bcce-b302099a8057", Position: 7, LogPosition: 10293, Stored: true}},
	}
	b.ReportAllocs()
	for b.Loop() {
		wire.AppendReply(make([]byte, 0, 256), r)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	e := &kapivara.Event{
		NewEvent: kapivara.NewEvent{
			ID: "01890a5d-ac96-774b-bcce-b302099a8057", Type: "application.submitted", Source: "/lending/loans/loans-api",
			Position: 7, Kind: kapivara.JSONData, Data: []byte(`{"amount":20000,"currency":"EUR","customer":"C-1"}`),
			Attributes: []byte(`"subject":"x"`),
		},
		Stream: "lending/loans/application/A-173688", Publisher: "loans-api", Recorded: time.Unix(1790000000, 0), LogPosition: 10293,
	}
	buf := wire.AppendEvent(nil, e)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = wire.AppendEvent(buf[:0], e)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.DecodeEvent(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeAppendReply(b *testing.B) {
	raw := wire.AppendReply(nil, &kapivara.AppendResult{
		Stream: "lending/loans/application/A-173688", Version: 7, Contiguous: 7,
		Events: []kapivara.Placed{{ID: "01890a5d-ac96-774b-bcce-b302099a8057", Position: 7, LogPosition: 10293, Stored: true}},
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeAppendReply(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDelivery(b *testing.B) {
	d := aDelivery()
	raw := wire.AppendDelivery(nil, &d)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			raw = wire.AppendDelivery(raw[:0], &d)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := wire.DecodeDelivery(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReflection is what the scanner is measured against: the same request through encoding/json.
func BenchmarkReflection(b *testing.B) {
	body := benchRequest(100)
	b.ReportAllocs()
	for b.Loop() {
		var a struct {
			Stream string
			Events []struct {
				ID, Type, Time string
				Data           json.RawMessage
			}
		}
		if err := json.Unmarshal(body, &a); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
}
