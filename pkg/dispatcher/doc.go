// Package dispatcher is the use case of the bus: it takes the streams that are due, gives each its bucket and number,
// sends it, and settles what the subscribers answer.
//
// One dispatcher is at work at a time, by a lease in the store (duty.go). All it knows belongs to one goroutine, its
// desk (desk.go): what comes in waits in the inbox (inbox.go), what is due is looked up (roster.go, warm.go, look.go), and
// all that is decided meanwhile becomes one turn (plan.go: settle.go, silence.go, lease.go), a single transaction. Once
// that is durable its leases are sent (ship.go) and its answers confirmed (apply.go); where it is refused, what it
// touched is read anew (undo.go). What finds nobody listening is kept and tried again without a write (listen.go).
//
// Nothing here is the truth: whatever goes wrong, the desk is cleared and read anew from the store.
package dispatcher
