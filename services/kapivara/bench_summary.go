package main

import (
	"fmt"
	"io"
	"time"
)

// benchSummary are the figures of a load. Times are in milliseconds.
type benchSummary struct {
	Asked     int     `json:"asked_events_per_second"`
	Rate      float64 `json:"events_per_second"`
	Bytes     float64 `json:"data_bytes_per_second"`
	Events    int64   `json:"events"`
	Requests  int64   `json:"requests"`
	SentAgain int64   `json:"requests_sent_again"`
	Streams   int     `json:"streams"`
	Finished  int     `json:"finished_streams"`
	Seconds   float64 `json:"seconds"`
	P50       float64 `json:"p50_ms"`
	P90       float64 `json:"p90_ms"`
	P99       float64 `json:"p99_ms"`
	P999      float64 `json:"p999_ms"`
	Longest   float64 `json:"longest_ms"`
}

func (t *benchTally) summary(cmd *benchCommand) benchSummary {
	t.mu.Lock()
	defer t.mu.Unlock()
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	s := benchSummary{
		Asked: cmd.Rate, Events: t.events, Requests: t.requests, SentAgain: t.again, Streams: t.streams, Finished: t.finished,
		Seconds: t.took.Seconds(), P50: ms(t.times.at(500)), P90: ms(t.times.at(900)), P99: ms(t.times.at(990)), P999: ms(t.times.at(999)),
		Longest: ms(t.times.longest),
	}
	s.Rate = float64(t.events) / s.Seconds
	s.Bytes = s.Rate * float64(cmd.Size)
	return s
}

func (s *benchSummary) print(to io.Writer) {
	t := newTable(to, "events", thousands(s.Events))
	t.row("requests", thousands(s.Requests))
	t.row("sent again", thousands(s.SentAgain))
	t.row("streams", fmt.Sprintf("%s, finished %s", thousands(s.Streams), thousands(s.Finished)))
	asked := ""
	if s.Asked > 0 {
		asked = fmt.Sprintf(" of %s asked for", thousands(s.Asked))
	}
	t.row("rate", fmt.Sprintf("%.1f events/s%s, %.1f kB/s of data, in %.1f s", s.Rate, asked, s.Bytes/1000, s.Seconds))
	t.row("answered in", fmt.Sprintf("p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, longest %.2f ms", s.P50, s.P90, s.P99, s.P999, s.Longest))
	t.flush()
}
