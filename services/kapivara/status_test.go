package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kapivara/pkg/client"
)

func TestErrorsBecomeExitStatuses(t *testing.T) {
	t.Parallel()
	three := 3
	refusal := &client.Error{Code: client.WrongVersion, Message: "read again"}
	refusal.Facts.Actual = &three
	for _, c := range []struct {
		name   string
		err    error
		json   bool
		status int
		says   string
	}{
		{"done", nil, false, statusDone, ""},
		{"refused", fmt.Errorf("append: %w", refusal), false, statusRefused, "wrong_version: read again\n  actual 3\n"},
		{"refused, as JSON", fmt.Errorf("append: %w", refusal), true, statusRefused, `{"error":{"code":"wrong_version","message":"read again","actual":3}}` + "\n"},
		{"wrong use", usage("no such thing"), false, statusWrongUse, "no such thing"},
		{"nobody serves", fmt.Errorf("x: %w", client.ErrNoService), false, statusUnreachable, "unreachable"},
		{"no answer", client.ErrNoAnswer, false, statusUnreachable, "unreachable"},
		{"interrupted", context.Canceled, false, statusInterrupted, ""},
		{"told already", statusError(7), false, 7, ""},
		{"anything else", errors.New("boom"), false, statusRefused, "boom"},
	} {
		var said strings.Builder
		if got := report(&said, c.json, c.err); got != c.status || !strings.Contains(said.String(), c.says) {
			t.Errorf("%s: status %d, said %q; want %d, %q", c.name, got, said.String(), c.status, c.says)
		}
	}
}
