package kapivara

import "time"

// MaxBatch is the most deliveries that one pull answers.
const MaxBatch = 100

// NextQuery asks for deliveries by pull.
type NextQuery struct {
	Bucket *Bucket       // nil = any bucket
	Node   string        // who asks; of a claimed bucket its owner alone is served. "" = a node that claims nothing
	Batch  int           // the most deliveries wanted, 1 to MaxBatch
	Wait   time.Duration // how long an answer without deliveries is held back, at most MaxWait
}

// Check refuses what is out of bounds.
func (q *NextQuery) Check() error {
	switch {
	case q.Batch < 1 || q.Batch > MaxBatch:
		return Invalid("batch", "batch is 1 to %d", MaxBatch)
	case q.Wait < 0 || q.Wait > MaxWait:
		return Invalid("wait", "wait is at most %s", FormatDuration(MaxWait))
	case q.Node != "":
		return CheckToken("node", "a node", q.Node)
	}
	return nil
}
