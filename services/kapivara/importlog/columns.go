package importlog

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// usual are the names under which columns are looked for, the first that is there wins.
func usual(column string) []string {
	return map[string][]string{
		"case": {"stream", "case:concept:name", "case_id", "case", "trace_id", "case_concept_name"},
		"type": {"type", "concept:name", "activity", "activity_name", "event_type", "event", "task"},
		"time": {"occurred_on", "time:timestamp", "timestamp", "time", "complete_timestamp", "end_time", "date"},
	}[column]
}

// pick finds the column by its flag's name or, where the flag is "", by the usual names. Letters' case and signs do not
// count: "Case ID" is case_id. It gives "" where no usual name is there, and an error where the flag's is not.
func pick(column, flag string, names []string) (string, error) {
	if flag != "" {
		if slices.Contains(names, flag) {
			return flag, nil
		}
		return "", fmt.Errorf("the log has no column %q; it has %s", flag, strings.Join(names, ", "))
	}
	for _, want := range usual(column) {
		for _, name := range names {
			if plain(name) == plain(want) {
				return name, nil
			}
		}
	}
	return "", nil
}

// need is pick for a column without which nothing can be imported.
func need(column, flag string, names []string) (string, error) {
	name, err := pick(column, flag, names)
	if err == nil && name == "" {
		err = fmt.Errorf("which column is the %s? --%s names it; the log has %s", column, column, strings.Join(names, ", "))
	}
	return name, err
}

func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
