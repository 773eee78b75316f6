package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Unsettled implements usage.GatewayStore.
func (d *DB) Unsettled(ctx context.Context, before time.Time, limit int) ([]usage.Reservation, error) {
	return inView(ctx, d, func(t *tx) ([]usage.Reservation, error) {
		return t.reservations(ctx, " WHERE status = 'held' AND origin = 'gateway' AND expires_at < $1"+
			" ORDER BY expires_at, reservation_id LIMIT $2", before, limit)
	})
}

const jobColumns = "job_id, reservation_id, user_id, event, ask, created_at, ended_at"

// AddJob implements usage.GatewayStore. A job that is there stays as it is.
func (d *DB) AddJob(ctx context.Context, j usage.Job) error {
	line, err := usage.EventLine(&j.Event)
	if err != nil {
		return err
	}
	return d.update(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO gateway_jobs ("+jobColumns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL)
			ON CONFLICT (job_id) DO NOTHING`, j.ID, j.Reservation, j.UserID, string(line), j.Ask, j.CreatedAt)
		return err
	})
}

// Job implements usage.GatewayStore.
func (d *DB) Job(ctx context.Context, id, reservation string) (job usage.Job, found bool, err error) {
	jobs, err := inView(ctx, d, func(t *tx) ([]usage.Job, error) {
		return selectRows(ctx, t, scanJob, "SELECT "+jobColumns+
			" FROM gateway_jobs WHERE job_id = $1 OR reservation_id = $2 LIMIT 1", id, reservation)
	})
	if err != nil || len(jobs) == 0 {
		return usage.Job{}, false, err
	}
	return jobs[0], true, nil
}

func scanJob(row scanner) (usage.Job, error) {
	var j usage.Job
	var line string
	err := row.Scan(&j.ID, &j.Reservation, &j.UserID, &line, &j.Ask, moment{&j.CreatedAt}, moment{&j.EndedAt})
	if err != nil {
		return j, err
	}
	reader, err := usage.NewObjectReader()
	if err == nil {
		j.Event, err = reader.Event([]byte(line))
	}
	if err != nil {
		err = failure.New(failure.Internal, "the event of the job %s can't be read: %s", j.ID, err).Because(err)
	}
	return j, err
}

// EndJob implements usage.GatewayStore.
func (d *DB) EndJob(ctx context.Context, id string, at time.Time) error {
	return d.update(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE gateway_jobs SET ended_at = $1 WHERE job_id = $2 AND ended_at IS NULL", at, id)
		return err
	})
}
