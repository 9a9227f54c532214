package main

import (
	"strings"
	"testing"
)

func TestTheDemoFindsItsOwnResultRight(t *testing.T) {
	t.Parallel()
	var out, said strings.Builder
	status := run(t.Context(), []string{"demo", "--orders", "120"}, streams{in: strings.NewReader(""), out: &out, err: &said})
	if status != statusDone || strings.Contains(out.String(), "WRONG") || strings.Count(out.String(), "  ok") != 7 {
		t.Errorf("status %d\n%s\n%s", status, out.String(), said.String())
	}
	if !strings.Contains(out.String(), "missing_events") {
		t.Errorf("the demo does not explain the order that was not delivered:\n%s", out.String())
	}
}
