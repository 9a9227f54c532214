package main

import (
	"strconv"
	"strings"
	"time"

	"kapivara/pkg/client"
)

// chosen are the flags that name deliveries, beside those of their states, and say what is done with them.
type chosen struct {
	Subscriber string   `arg:"" help:"The subscriber."`
	Number     []string `placeholder:"3/1042" help:"This delivery: its bucket and its number. Given again for more."`
	Stream     string   `placeholder:"STREAM" help:"All deliveries of this stream."`
	Bucket     string   `short:"b" placeholder:"BUCKET" help:"Of what is named by its state: this bucket alone, 0, 1, 2 … or canary-0 …"`
	Reason     string   `help:"Why, for those who look."`
	DryRun     bool     `help:"Change nothing, count what would be changed."`
	JSON       bool     `help:"Print the answer as JSON."`
}

// moving are the flags of the states that a delivery goes through by itself.
type moving struct {
	Pending bool `help:"All that are pending, and what waits for its first sending."`
	Leased  bool `help:"All that are leased: sent, and not yet answered."`
	Hidden  bool `help:"All that are hidden: sent again later."`
}

type hideCommand struct {
	Chosen chosen        `embed:""`
	States moving        `embed:""`
	For    time.Duration `placeholder:"DURATION" help:"Hide for so long."`
	Until  string        `placeholder:"TIME" help:"Hide until then: 2026-01-31T09:30:00Z, 2026-01-31."`
}

// Run hides deliveries.
func (cmd *hideCommand) Run(a *session) error {
	o, err := cmd.Chosen.operation(cmd.States.states())
	if err != nil {
		return err
	}
	if o.Delay = cmd.For; o.Delay < 0 || (o.Delay > 0) == (cmd.Until != "") {
		return usage("say until when by one of --for and --until")
	}
	until := "for " + short(cmd.For)
	if cmd.Until != "" {
		var known bool
		if o.Until, known = moment(cmd.Until); !known {
			return usage("%q is no time (2026-01-31T09:30:00Z, 2026-01-31)", cmd.Until)
		}
		until = "until " + clock(o.Until)
	}
	return cmd.Chosen.run(a, o, (*client.Client).Hide, change{
		would: "would hide %s of " + cmd.Chosen.Subscriber + " " + until, did: "hid %s of " + cmd.Chosen.Subscriber + " " + until,
	})
}

type parkCommand struct {
	Chosen chosen `embed:""`
	States moving `embed:""`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run parks deliveries.
func (cmd *parkCommand) Run(a *session) error {
	o, err := cmd.Chosen.operation(cmd.States.states())
	if err != nil {
		return err
	}
	of := " %s of " + cmd.Chosen.Subscriber
	return cmd.Chosen.run(a, o, (*client.Client).Park, change{would: "would park" + of, did: "parked" + of, question: "Park" + of + "?", yes: cmd.Yes})
}

type retryCommand struct {
	Chosen chosen `embed:""`
	Hidden bool   `help:"All that are hidden: without waiting for their time."`
	Parked bool   `help:"All that are parked."`
}

// Run makes deliveries pending.
func (cmd *retryCommand) Run(a *session) error {
	o, err := cmd.Chosen.operation([]flagged{{client.Hidden, cmd.Hidden}, {client.Parked, cmd.Parked}})
	if err != nil {
		return err
	}
	of := " %s of " + cmd.Chosen.Subscriber
	return cmd.Chosen.run(a, o, (*client.Client).Retry, change{would: "would retry" + of, did: "retried" + of})
}

type discardCommand struct {
	Chosen chosen `embed:""`
	States moving `embed:""`
	Parked bool   `help:"All that are parked."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run gives deliveries up.
func (cmd *discardCommand) Run(a *session) error {
	o, err := cmd.Chosen.operation(append(cmd.States.states(), flagged{client.Parked, cmd.Parked}))
	if err != nil {
		return err
	}
	of := " %s of " + cmd.Chosen.Subscriber
	return cmd.Chosen.run(a, o, (*client.Client).Discard, change{
		would: "would discard" + of, did: "discarded" + of, question: "Discard" + of + " for good?", yes: cmd.Yes,
	})
}

// flagged tells whether a state was named.
type flagged struct {
	state client.State
	named bool
}

func (m moving) states() []flagged {
	return []flagged{{client.Pending, m.Pending}, {client.Leased, m.Leased}, {client.Hidden, m.Hidden}}
}

// operation reads which deliveries are meant: exactly one kind of thing is to be named.
func (cmd *chosen) operation(states []flagged) (o client.Operation, err error) {
	named, flags := 0, []string{"--number", "--stream"}
	for _, is := range [...]bool{len(cmd.Number) > 0, cmd.Stream != ""} {
		if is {
			named++
		}
	}
	for _, s := range states {
		flags = append(flags, "--"+string(s.state))
		if s.named {
			named++
			o.State = s.state
		}
	}
	if named != 1 {
		return o, usage("name the deliveries by one of %s", strings.Join(flags, ", "))
	}
	o.Stream, o.Reason = client.Stream(cmd.Stream), cmd.Reason
	for _, text := range cmd.Number {
		n, err := numbering(cmd.Subscriber, text)
		if err != nil {
			return o, err
		}
		o.Numbers = append(o.Numbers, n)
	}
	if o.Bucket, err = bucketFlag(cmd.Bucket); err == nil && o.Bucket != nil && o.State == "" {
		err = usage("--bucket goes with a state only")
	}
	return o, err
}

// numbering reads 3/1042, or billing/3/1042 as explain shows it.
func numbering(subscriber, text string) (client.Numbering, error) {
	bucket, number, _ := strings.Cut(strings.TrimPrefix(text, subscriber+"/"), "/")
	b, err := client.ParseBucket(bucket)
	if err == nil {
		var n int64
		if n, err = strconv.ParseInt(number, 10, 64); err == nil && n > 0 {
			return client.Numbering{Bucket: b, Number: n}, nil
		}
	}
	return client.Numbering{}, usage("%q is no delivery; its bucket and its number are meant, as in 3/1042", text)
}

// bucketFlag is nil where no bucket is named.
func bucketFlag(name string) (*client.Bucket, error) {
	if name == "" {
		return nil, nil
	}
	b, err := client.ParseBucket(name)
	if err != nil {
		return nil, usage("--bucket: %q is no bucket (0, 1, 2 … or canary-0 …)", name)
	}
	return &b, nil
}
