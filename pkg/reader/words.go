package reader

import (
	"fmt"
	"strings"
	"time"

	"kapivara/pkg/kapivara"
)

// ahead says how many go before.
func ahead(n int) string {
	switch {
	case n >= kapivara.MaxAhead:
		return fmt.Sprintf("%d or more deliveries go", kapivara.MaxAhead)
	case n == 1:
		return "1 delivery goes"
	default:
		return fmt.Sprintf("%d deliveries go", n)
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

const shown = 10 // of a list in words

func ranges(holes []kapivara.Range) string {
	words := make([]string, 0, len(holes))
	for _, h := range holes {
		if h.From == h.To {
			words = append(words, fmt.Sprint(h.From))
		} else {
			words = append(words, fmt.Sprintf("%d-%d", h.From, h.To))
		}
	}
	return some(words)
}

func some(words []string) string {
	if len(words) > shown {
		return strings.Join(words[:shown], ", ") + " …"
	}
	return strings.Join(words, ", ")
}
