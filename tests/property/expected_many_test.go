package property

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// many sends a request for several streams, as a client would write it. Its parts are stream, expectation and number of
// events; its checks stream, with what is stored in it before, and expectation.
func (r *versionRun) many(q versionRequest) string {
	appends, conditions := []map[string]any{}, []map[string]any{}
	for _, part := range q.Parts {
		name, expect, n := fmt.Sprint(part[0]), fmt.Sprint(part[1]), part[2].(float64) //nolint:forcetypeassert // else the file is wrong
		appends = append(appends, r.part(name, expect, int(n)))
	}
	for _, check := range q.Checks {
		name, given, _ := strings.Cut(check[0], " (")
		var events int
		if _, err := fmt.Sscanf(given, "%d events", &events); err == nil {
			r.fill(name, events)
		}
		conditions = append(conditions, map[string]any{
			"stream": r.streamOf(name), "expect": expectOf(r.t, versionRequest{Expect: check[1]}),
		})
	}
	body, err := json.Marshal(map[string]any{"appends": appends, "conditions": conditions})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.manyOutcome(body, len(appends))
}

func (r *versionRun) manyOutcome(body []byte, parts int) string {
	m, err := wire.DecodeAppendMany(body, wire.DefaultLimits())
	if err != nil {
		return outcomeOf(answer{nil, err})
	}
	done := make(chan answer, 1)
	r.w.AppendMany("loans", &m, func(result *kapivara.AppendManyResult, err error) {
		got := answer{err: err}
		if err == nil {
			got.AppendResult = &result.Appends[0]
		}
		done <- got
	})
	got := <-done
	outcome := outcomeOf(got)
	if outcome == "appended" && parts > 1 {
		return "all_appended"
	}
	var refusal *kapivara.Error
	if outcome == "conflict" && errors.As(got.err, &refusal) {
		return fmt.Sprintf("conflict_%s_violations", []string{"no", "one", "two", "three"}[len(refusal.Facts.Violations)])
	}
	return outcome
}

// streamOf is a stream of the case; the first is the one whose events are counted.
func (r *versionRun) streamOf(name string) kapivara.Stream {
	return r.stream(strings.TrimPrefix(name, "s1"))
}

func (r *versionRun) part(name, expect string, events int) map[string]any {
	list := []map[string]any{}
	for i := range events {
		list = append(list, map[string]any{"id": fmt.Sprint(r.c.ID, name, i), "type": "t"})
	}
	return map[string]any{"stream": r.streamOf(name), "expect": expectOf(r.t, versionRequest{Expect: expect}), "events": list}
}

func (r *versionRun) fill(name string, events int) {
	body, err := json.Marshal(r.part(name, "no_stream", events))
	if err != nil {
		r.t.Fatal(err)
	}
	if got := r.outcome(body, ""); got != "appended" {
		r.t.Fatalf("%s: what is given: %s", r.c.ID, got)
	}
}
