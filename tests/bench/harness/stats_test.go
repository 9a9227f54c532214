package harness

import (
	"testing"
	"time"
)

func TestSpreadIsTheMedianAndTheEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9}},
		{[]float64{4, 1, 2, 100}, Spread{3, 1, 100}},
	} {
		if got := SpreadOf(c.values); got != c.want {
			t.Errorf("spread of %v: got %v, want %v", c.values, got, c.want)
		}
	}
}

func TestPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, c := range []struct {
		sorted     []int
		hundredths int
		want       int
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{[]int{3}, 99, 3},
		{[]int{1, 2}, 50, 1},
		{[]int{1, 2, 3}, 50, 2},
		{[]int{1, 2, 3}, 0, 1},
		{nil, 50, 0},
	} {
		if got := percentile(c.sorted, c.hundredths); got != c.want {
			t.Errorf("percentile %d of %v: got %d, want %d", c.hundredths, c.sorted, got, c.want)
		}
	}
}

func TestARoundWithoutOperationsIsNoRound(t *testing.T) {
	t.Parallel()
	if _, err := roundOf(Result{Elapsed: time.Second}); err == nil {
		t.Error("no operations: got a round, want an error")
	}
	if _, err := roundOf(Result{Operations: 1}); err == nil {
		t.Error("no time: got a round, want an error")
	}
	got, err := roundOf(Result{
		Operations: 10, Elapsed: 2 * time.Second, Latencies: []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond},
		CPU: map[string]time.Duration{Writer: 50 * time.Microsecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.PerSecond != 5 || got.P50 != 2000 || got.P99 != 3000 || got.CPU[Writer] != 5 {
		t.Errorf("got %+v, want 5 a second, p50 2000, p99 3000, 5 µs of the writer an operation", got)
	}
}

func TestFiguresAreShort(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0.386: "0.386", 1.2: "1.20", 41.25: "41.2", 999.6: "1,000", 86211: "86,211", 1234567: "1,234,567"} {
		if got := Figure(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
	for value, want := range map[float64]string{0: "-", 21: "21.0 µs", 1440: "1.44 ms", 2_500_000: "2.50 s"} {
		if got := Micros(value); got != want {
			t.Errorf("%v µs: got %s, want %s", value, got, want)
		}
	}
}
