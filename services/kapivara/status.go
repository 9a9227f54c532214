package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kapivara/pkg/client"
)

// The exit statuses.
const (
	statusDone        = 0
	statusRefused     = 1
	statusWrongUse    = 2
	statusUnreachable = 3
	statusInterrupted = 130
)

// usageError is a wrong use that only the command itself notices.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// statusError ends a command with a status; all that is to be said has been said.
type statusError int

// Error names the status.
func (s statusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// report says on stderr what went wrong, and gives the exit status.
func report(to io.Writer, asJSON bool, err error) int {
	var refusal *client.Error
	var wrong usageError
	var status statusError
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &wrong):
		fmt.Fprintf(to, "kapivara: %v\n", err)
		return statusWrongUse
	case errors.As(err, &refusal) && asJSON:
		fmt.Fprintf(to, "%s\n", client.ErrorJSON(refusal))
		return statusRefused
	case errors.As(err, &refusal):
		fmt.Fprintf(to, "%v\n", refusal)
		if facts := facts(refusal); facts != "" {
			fmt.Fprintf(to, "  %s\n", facts)
		}
		return statusRefused
	case client.IsUnreachable(err):
		fmt.Fprintf(to, "kapivara: unreachable: %v\n", err)
		return statusUnreachable
	case errors.Is(err, context.Canceled):
		return statusInterrupted
	default:
		fmt.Fprintf(to, "kapivara: %v\n", err)
		return statusRefused
	}
}

// facts lists the facts of a refusal on one line.
func facts(e *client.Error) string {
	text, err := json.Marshal(e.Facts)
	if err != nil {
		return ""
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		return ""
	}
	var shown []string
	for name, value := range all {
		shown = append(shown, name+" "+string(value))
	}
	slices.Sort(shown)
	return strings.Join(shown, ", ")
}
