package wire

import "time"

// isTime tells whether s is a time by RFC 3339 as time.RFC3339 reads it: capital T and Z, no leap second.
func isTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") {
		return false
	}
	year, ok1 := digits(s, 0, 4)
	month, ok2 := digits(s, 5, 2)
	day, ok3 := digits(s, 8, 2)
	hour, ok4 := digits(s, 11, 2)
	minute, ok5 := digits(s, 14, 2)
	second, ok6 := digits(s, 17, 2)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 ||
		s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	rest := s[19:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 1 || n == len(rest) {
			return false
		}
		rest = rest[n:]
	}
	if rest == "Z" {
		return true
	}
	if len(rest) != len("+00:00") || rest[0] != '+' && rest[0] != '-' || rest[3] != ':' {
		return false
	}
	offHour, ok1 := digits(rest, 1, 2)
	offMinute, ok2 := digits(rest, 4, 2)
	return ok1 && ok2 && offHour <= 23 && offMinute <= 59
}

// timeOf is the time that s names by RFC 3339, to the nanosecond, in UTC.
func timeOf(s string) (time.Time, bool) {
	if !isTime(s) {
		return time.Time{}, false
	}
	field := func(i, n int) int {
		value, _ := digits(s, i, n)
		return value
	}
	nanos, scale, rest := 0, 100_000_000, s[19:]
	if rest[0] == '.' {
		for rest = rest[1:]; rest[0] >= '0' && rest[0] <= '9'; rest = rest[1:] {
			nanos += int(rest[0]-'0') * scale
			scale /= 10
		}
	}
	t := time.Date(field(0, 4), time.Month(field(5, 2)), field(8, 2), field(11, 2), field(14, 2), field(17, 2), nanos, time.UTC)
	if rest == "Z" {
		return t, true
	}
	at := len(s) - len(rest)
	offset := time.Duration(field(at+1, 2))*time.Hour + time.Duration(field(at+4, 2))*time.Minute
	if rest[0] == '-' {
		offset = -offset
	}
	return t.Add(-offset), true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// digits reads n digits of s at i.
func digits(s string, i, n int) (value int, ok bool) {
	for _, c := range []byte(s[i : i+n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		value = value*10 + int(c-'0')
	}
	return value, true
}
