package encode

import (
	"strconv"
	"time"

	"github.com/lib/pq"
)

// postgresText writes values as PostgreSQL reads them in text. A sink has one for each list of rows, or for each
// column.
type postgresText struct {
	bytes []byte
	day   int64 // since 1970, of the moment that was written last
	date  []byte
}

func (w *postgresText) integer(n int64) { w.bytes = strconv.AppendInt(w.bytes, n, 10) }

func (w *postgresText) boolean(b bool) {
	if b {
		w.bytes = append(w.bytes, 't')
	} else {
		w.bytes = append(w.bytes, 'f')
	}
}

const (
	microsOfDay = int64(24 * time.Hour / time.Microsecond)
	// firstDay and finalDay are those that are written with a year of four digits.
	firstDay = -719_162  // 0001-01-01
	finalDay = 2_932_896 // 9999-12-31
)

// moment writes a time, of which most are on the day of the one before.
func (w *postgresText) moment(micros int64) {
	day := micros / microsOfDay
	if micros%microsOfDay < 0 {
		day--
	}
	if day < firstDay || day > finalDay {
		w.bytes = append(w.bytes, pq.FormatTimestamp(time.UnixMicro(micros).UTC())...)
		return
	}
	if day != w.day || w.date == nil {
		w.day, w.date = day, time.Unix(day*24*60*60, 0).UTC().AppendFormat(w.date[:0], time.DateOnly)
	}
	w.bytes = append(append(w.bytes, w.date...), ' ')
	rest := micros - day*microsOfDay
	seconds := rest / 1_000_000
	w.digits(seconds/3600, 2)
	w.bytes = append(w.bytes, ':')
	w.digits(seconds/60%60, 2)
	w.bytes = append(w.bytes, ':')
	w.digits(seconds%60, 2)
	if fraction := rest % 1_000_000; fraction != 0 {
		w.bytes = append(w.bytes, '.')
		w.digits(fraction, 6)
	}
	w.bytes = append(w.bytes, "+00"...)
}

// digits writes a number with so many digits.
func (w *postgresText) digits(n int64, count int) {
	for range count {
		w.bytes = append(w.bytes, '0')
	}
	for i := len(w.bytes) - 1; n > 0; i-- {
		w.bytes[i] = byte('0' + n%10)
		n /= 10
	}
}
