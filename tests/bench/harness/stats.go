package harness

import (
	"cmp"
	"slices"
	"time"
)

// Spread is a figure over the rounds: the median, the lowest and the highest.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// SpreadOf is the spread of at least one value.
func SpreadOf(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	return Spread{Median: median(sorted), Low: sorted[0], High: sorted[len(sorted)-1]}
}

// median is the middle of sorted values, the mean of the two in the middle where their number is even.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// percentile is the smallest value that so many hundredths of the values do not pass (the nearest rank); 0 of none.
func percentile[T cmp.Ordered](sorted []T, hundredths int) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	rank := (len(sorted)*hundredths + 99) / 100
	return sorted[max(rank, 1)-1]
}

// micro is a time in microseconds.
func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
