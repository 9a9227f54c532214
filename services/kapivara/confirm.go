package main

import (
	"bufio"
	"fmt"
	"iter"
	"strings"
)

// confirm asks a person; where none can be asked the answer is no.
func (a *session) confirm(question string) bool {
	if !isTerminal(a.std.in) {
		return false
	}
	fmt.Fprintf(a.std.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.std.in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// collect gives all that a list has.
func collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	all := []T{}
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
