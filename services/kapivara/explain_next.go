package main

import (
	"fmt"
	"strings"

	"kapivara/pkg/client"
)

// nextSteps says what would move the stream on, in commands for people; --json has the words of the service, with
// subjects. A reason that this binary does not know, or needs no command, keeps the service's words.
func nextSteps(stream client.Stream, r client.Reason) []string {
	of, name := quoted(string(stream)), r.Subscriber
	number := fmt.Sprintf("--number %s/%d", r.Bucket, r.Number)
	retry := fmt.Sprintf("kapivara retry %s %s", name, number)
	discard := fmt.Sprintf("kapivara discard %s %s", name, number)
	replay := fmt.Sprintf("kapivara replay %s --after 0 --stream %s", name, of)
	longer := fmt.Sprintf("kapivara subscriber set %s --ack-wait 5m", name)
	switch r.Code {
	case "stream_filter":
		return []string{"nothing, or a filter that fits:", fmt.Sprintf("kapivara subscriber set %s --streams %s", name, of)}
	case "type_filter":
		return []string{"nothing, or a filter that fits:", fmt.Sprintf("kapivara subscriber set %s --types TYPE", name)}
	case "not_finished":
		return []string{r.NextStep + ":", fmt.Sprintf("kapivara append --publisher NAME %s TYPE DATA --final", of)}
	case "missing_events":
		return []string{r.NextStep + ":", fmt.Sprintf("kapivara append --publisher NAME %s TYPE DATA --position N", of)}
	case "before_start", "not_due", "discarded":
		return []string{"nothing, or to have it delivered all the same:", replay}
	case "committed":
		if r.NextStep == "nothing" {
			return []string{r.NextStep}
		}
		return []string{"nothing, or to have it delivered whole:", replay}
	case "no_dispatcher":
		return []string{"start a dispatcher, and see in its log why it does not take over; all services at once:", "kapivara up"}
	case "nobody_listens":
		return []string{"start a node of the subscriber; or look at what waits, and take it:", "kapivara subscribe " + name, "kapivara next " + name}
	case "nobody_answers":
		return []string{
			"see that a node answers, and that nobody listens outside the queue group; what is out:",
			fmt.Sprintf("kapivara bucket %s --state leased", name),
		}
	case "bucket_busy":
		return []string{"wait, or look at what holds the bucket:", fmt.Sprintf("kapivara bucket %s %s --state leased", name, r.Bucket)}
	case "held_back":
		return heldBackSteps(r)
	case "refused":
		return []string{"wait, or mend the cause and have it sent at once:", retry}
	case "hidden_by_operator":
		return []string{"wait, or have it sent at once:", retry}
	case "no_answer_in_time":
		return []string{"wait; if it happens again, give the subscriber more time:", longer}
	case "attempts_unanswered":
		return []string{"mend the cause, or give the subscriber more time; then retry it, or give it up:", longer, retry, discard}
	case "terminated", "parked_by_operator", "attempts_refused", "attempts_abandoned":
		return []string{"mend the cause, then retry it, or give it up:", retry, discard}
	}
	return []string{r.NextStep}
}

// heldBackSteps settle the earlier delivery, which the reason names as billing/3/1042.
func heldBackSteps(r client.Reason) []string {
	for word := range strings.FieldsSeq(r.Why) {
		number, ok := strings.CutPrefix(strings.TrimRight(word, ":;,"), r.Subscriber+"/")
		if !ok {
			continue
		}
		if _, err := numbering(r.Subscriber, number); err != nil {
			continue
		}
		if !strings.Contains(r.NextStep, "discard") {
			break // it goes on by itself
		}
		return []string{
			"retry the earlier delivery, or give it up:",
			fmt.Sprintf("kapivara retry %s --number %s", r.Subscriber, number),
			fmt.Sprintf("kapivara discard %s --number %s", r.Subscriber, number),
		}
	}
	return []string{"wait, or look at the deliveries of the subscriber:", "kapivara bucket " + r.Subscriber}
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_-.:@%+,=", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 && !strings.HasPrefix(word, "-") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
