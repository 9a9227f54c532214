package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kapivara/pkg/client"
)

// table writes rows under a header in columns.
type table struct{ w *tabwriter.Writer }

func newTable(to io.Writer, header ...any) *table {
	t := &table{w: tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)}
	t.row(header...)
	return t
}

func (t *table) row(cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(t.w, "\t")
		}
		fmt.Fprint(t.w, cell)
	}
	fmt.Fprint(t.w, "\n")
}

func (t *table) flush() { _ = t.w.Flush() }

// clock shows a time of the store in the local zone, "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// orDash shows zero as a dash.
func orDash[N int | int64](n N) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(int64(n), 10)
}

// ranges shows positions as 3, 5-6.
func ranges(all []client.Range) string {
	shown := make([]string, 0, len(all))
	for i, r := range all {
		if i == 8 {
			shown = append(shown, "…")
			break
		}
		if r.From == r.To {
			shown = append(shown, strconv.Itoa(r.From))
			continue
		}
		shown = append(shown, fmt.Sprintf("%d-%d", r.From, r.To))
	}
	return strings.Join(shown, ", ")
}

// clip shortens text to a number of characters.
func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// thousands writes 262200 as 262,200.
func thousands[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
