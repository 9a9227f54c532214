package importlog

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Format is how a log is written down.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
	XES       Format = "xes"
)

// Options choose the columns of a log. The zero value finds them by their usual names.
type Options struct {
	Format Format // "" = by the file's name, else by its first byte
	// Log is the name from which the ids of events are made that have none: UUIDv5 of "log/case#position".
	Log string
	// Case, Type, Time and ID name the columns (XES: the attributes). "" = the usual names.
	Case, Type, Time, ID string
	// Delimiter separates the columns of a CSV file. "" = the one that the header has most of.
	Delimiter string
	// TimeLayout reads times that are not like RFC 3339, as Go's time.Parse does. A time without an offset is UTC.
	TimeLayout string
	// Lifecycle joins the lifecycle:transition of XES to the type: "activity/transition".
	Lifecycle bool
}

// formatOf decides by the name, else by the first byte that is no white space.
func formatOf(name string, head []byte) Format {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	for suffix, format := range map[string]Format{
		".jsonl": JSONLines, ".ndjson": JSONLines, ".json": JSONLines, ".csv": CSV, ".tsv": CSV, ".xes": XES, ".xml": XES,
	} {
		if strings.HasSuffix(name, suffix) {
			return format
		}
	}
	switch text := strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n"); {
	case strings.HasPrefix(text, "{"):
		return JSONLines
	case strings.HasPrefix(text, "<"):
		return XES
	default:
		return CSV
	}
}

// LogName is the name of a log by its file: the base name without its suffixes, fit to be a subject token.
func LogName(path string) string {
	base := path[strings.LastIndexAny(path, `/\`)+1:]
	base, _, _ = strings.Cut(base, ".")
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '-'
		}
	}, strings.ToLower(base))
	clean = strings.Trim(clean, "-_")
	if clean == "" {
		return "log"
	}
	return clean[:min(len(clean), 63)]
}

// check refuses options that no log can be read with.
func (o *Options) check() error {
	switch o.Format {
	case "", JSONLines, CSV, XES:
	default:
		return fmt.Errorf("the format is jsonl, csv or xes, not %q", o.Format)
	}
	if o.Delimiter == `\t` {
		o.Delimiter = "\t"
	}
	if o.Delimiter != "" && utf8.RuneCountInString(o.Delimiter) != 1 {
		return fmt.Errorf("a delimiter is one character, not %q", o.Delimiter)
	}
	return nil
}
