package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kapivara/pkg/client"
)

// table writes rows under a header in columns.
type table struct {
	to   io.Writer
	text bytes.Buffer
	w    *tabwriter.Writer
}

func newTable(to io.Writer, header ...any) *table {
	t := &table{to: to}
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
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

// flush writes the table, without white space at the ends of lines.
func (t *table) flush() {
	_ = t.w.Flush()
	for line := range strings.Lines(t.text.String()) {
		fmt.Fprintln(t.to, strings.TrimRight(line, " \n"))
	}
	t.text.Reset()
}

// clock shows a time of the store in the local zone, "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// short shows 24h0m0s as 24h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
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
