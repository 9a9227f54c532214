package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// flight is a numbered delivery in memory.
type flight struct {
	kapivara.Numbered
	lane    *lane
	out     time.Time // the store's time of the last sending, zero while it waits to be sent
	sends   int
	staged  bool // the turn being planned or written changes it
	unheard bool
	doubt   bool             // somebody may have the attempt all the same: what was sent before this desk knew of it is not known
	lent    bool             // it goes, or went, to a pull
	pushed  bool             // it goes, or went, out by a sending
	events  []kapivara.Event // kept between probes, nil where they are to be read again
}

// show is the delivery as a notice of the turn at now shows it.
func (f *flight) show(now time.Time) *kapivara.DeliveryRow {
	row := &kapivara.DeliveryRow{
		Bucket: f.lane.bucket, Number: f.Number, Stream: f.Name, Cause: f.Cause, From: f.From, To: f.To,
		State: f.Lease.State, Attempt: f.Lease.Attempt, LogPosition: f.LogPosition, Reason: f.Lease.Reason,
	}
	switch f.Lease.State {
	case kapivara.Leased:
		row.Deadline, row.Node = f.Lease.Until, f.lane.row.Claim.Owner
	case kapivara.Hidden:
		row.Until = f.Lease.Until
	case kapivara.Committed:
		row.Committed = now
	default:
	}
	return row
}
