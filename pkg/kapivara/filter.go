package kapivara

import "strings"

// Filter is a list of which one entry must fit: exact, or a prefix that ends in *.
type Filter []string

// Any is the filter that everything fits.
func Any() Filter { return Filter{"*"} }

// Fits tells whether the text fits an entry. An empty filter fits nothing.
func (f Filter) Fits(s string) bool {
	for _, entry := range f {
		if prefix, ok := strings.CutSuffix(entry, "*"); ok && strings.HasPrefix(s, prefix) || entry == s {
			return true
		}
	}
	return false
}

// All tells whether the filter fits everything.
func (f Filter) All() bool {
	for _, entry := range f {
		if entry == "*" {
			return true
		}
	}
	return false
}

// Limits of a filter.
const (
	MaxFilter      = 1000 // entries
	MaxFilterEntry = 512  // bytes of an entry
)

// Check refuses a filter with no or too many entries, or a bad entry; path is where it stands in the request.
func (f Filter) Check(path string) error {
	if len(f) == 0 || len(f) > MaxFilter {
		return Invalid(path, "a filter has 1 to %d entries; [\"*\"] fits everything", MaxFilter)
	}
	for _, entry := range f {
		if err := checkText(path, "an entry of a filter", entry, MaxFilterEntry); err != nil {
			return err
		}
		if i := strings.IndexByte(entry, '*'); i >= 0 && i != len(entry)-1 {
			return Invalid(path, "a * stands only at the end of an entry, %q has it earlier", clip(entry))
		}
	}
	return nil
}
