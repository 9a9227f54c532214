package wire

import "kapivara/pkg/kapivara"

// each reads an object: read takes the value of each member. An unknown one is passed over by pass.
func (s *scanner) each(what string, read func(name []byte) error) error {
	if err := s.open('{', what); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more('}', first)
		if err != nil || !more {
			return err
		}
		name, err := s.key()
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
	}
}

// list reads an array: read takes each of its entries.
func (s *scanner) list(what string, read func() error) error {
	if err := s.open('[', what); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(']', first)
		if err != nil || !more {
			return err
		}
		if err := read(); err != nil {
			return err
		}
	}
}

// pass reads any value and drops it.
func (s *scanner) pass() error {
	_, err := s.value()
	return err
}

// null reads null where it stands next.
func (s *scanner) null() bool {
	return s.peek() == 'n' && s.literal("null") == nil
}

// number64 reads a whole number; null is 0.
func (d *decoder) number64(name string) (int64, error) {
	raw, err := d.value()
	if err != nil || string(raw) == "null" {
		return 0, err
	}
	n, ok := integer(raw)
	if !ok {
		return 0, kapivara.Invalid(d.at(name), "%s is a whole number", name)
	}
	return n, nil
}

// number reads a whole number of 32 bits; null is 0.
func (d *decoder) number32(name string) (int, error) {
	n, err := d.number64(name)
	if err == nil && (n < -1<<31 || n > 1<<31-1) {
		err = kapivara.Invalid(d.at(name), "%s is a number of 32 bits", name)
	}
	return int(n), err
}

// optional reads a string; null is "".
func (d *decoder) optional(name string) (string, error) {
	if d.null() {
		return "", nil
	}
	return d.text(name)
}
