package keys

import (
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// versionPage opens a page of versions and holds each against what its row says of it.
func (s *scrub) versionPage(ctx context.Context, place scrubPlace) (looking, error) {
	seen := looking{place: place}
	var rows []store.VersionRow
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.VersionsPage(store.VersionQuery{Environment: s.env.ID}, place.Secret, place.Version, scrubPage)
		return err
	})
	if err != nil || len(rows) == 0 {
		seen.ended = true
		return seen, err
	}
	if seen.away = s.loadHash(ctx); seen.away != nil {
		return seen, nil
	}
	problems := make([]error, len(rows))
	seen.away = s.each(ctx, len(rows), func(ctx context.Context, i int) error {
		if err := s.scrubPace.wait(ctx); err != nil {
			return err
		}
		problems[i] = s.version(ctx, &rows[i])
		return problems[i]
	})
	if ctx.Err() != nil {
		return seen, ctx.Err()
	}
	for i, problem := range problems {
		seen.done++
		switch {
		case problem == nil || seen.away != nil:
		case damaged(problem):
			seen.failed++
			seen.findings = append(seen.findings, s.versionFinding(s.env, &rows[i], problem))
		default: // the wrapped keys of its data key are told of already
			seen.failed++
			seen.place.Unknown++
		}
	}
	last := rows[len(rows)-1]
	seen.place.Secret, seen.place.Version = last.SecretID, last.Number
	return seen, nil
}

// loadHash opens the key of the environment's hashes. Where it is damaged, or away for too
// long, versions are opened without it.
func (s *scrub) loadHash(ctx context.Context) error {
	if s.hash != nil || s.hashed != nil {
		return nil
	}
	hash, err := s.ring.open(ctx, kms.HashKeyID(s.env.ID))
	if s.patient(err) {
		return err
	}
	s.hash, s.hashed = hash, err
	return nil
}

// version opens one version. What does not open is looked up again first: it may have been
// sealed anew, or purged, since the page was read.
func (s *scrub) version(ctx context.Context, row *store.VersionRow) error {
	err := s.openVersion(ctx, row)
	if err == nil || !damaged(err) {
		return err
	}
	var now models.SecretVersion
	again := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		now, err = tx.Version(row.SecretID, row.Number)
		return err
	})
	switch {
	case fault.Is(again, fault.NotFound):
		return nil
	case again != nil:
		return again
	case now.DataKeyID == row.DataKeyID && string(now.Ciphertext) == string(row.Ciphertext):
		return err
	}
	row.SecretVersion = now
	return s.openVersion(ctx, row)
}

func (s *scrub) openVersion(ctx context.Context, row *store.VersionRow) error {
	key, err := s.ring.open(ctx, row.DataKeyID)
	if err != nil {
		return err
	}
	label, sealed := versionSeal(row)
	plain, err := key.Open(label, sealed)
	if err != nil {
		return err
	}
	defer plain.Zero()
	return matches(s.hash, row, plain)
}

// credentialPage opens a page of destinations' credentials, and after the last one the
// channels' secrets.
func (s *scrub) credentialPage(ctx context.Context, place scrubPlace) (looking, error) {
	seen := looking{place: place}
	var rows []setting
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if rows, err = destinationSettings(tx, s.env.ID, place.Destination); err == nil && len(rows) == 0 {
			seen.ended = true
			rows, err = channelSettings(tx, s.env.ID)
		}
		return err
	})
	if err != nil {
		return seen, err
	}
	for _, row := range rows {
		err := s.setting(ctx, row)
		if ctx.Err() != nil {
			return seen, ctx.Err()
		}
		if s.patient(err) {
			return looking{place: place, away: err}, nil
		}
		seen.done++
		if err != nil {
			seen.failed++
			seen.findings = append(seen.findings, s.finding(s.env, "credentials", row.object(), row.dataKey(), err))
		}
		if row.destination != nil {
			seen.place.Destination = row.destination.ID
		}
	}
	return seen, nil
}

// setting opens one. What does not open is looked up again first: it may have been sealed
// anew, or removed, since it was read.
func (s *scrub) setting(ctx context.Context, one setting) error {
	open := func(one setting) error {
		label, sealed := one.seal()
		key, err := s.ring.open(ctx, sealed.DataKeyID)
		if err != nil {
			return err
		}
		plain, err := key.Open(label, sealed)
		plain.Zero()
		return err
	}
	err := open(one)
	if err == nil || !damaged(err) {
		return err
	}
	var now setting
	again := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		now, err = one.reload(tx)
		return err
	})
	if fault.Is(again, fault.NotFound) {
		return nil
	}
	if again != nil {
		return again
	}
	return open(now)
}

// secretPage finds secrets whose current version is not their newest: an older row was put
// back in the place of a newer one.
func (s *scrub) secretPage(ctx context.Context, place scrubPlace) (looking, error) {
	seen := looking{place: place}
	var rows []models.Secret
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.MisplacedCurrent(s.env.ID, place.Secret, scrubPage)
		return err
	})
	if err != nil || len(rows) == 0 {
		seen.ended = true
		return seen, err
	}
	for _, secret := range rows {
		err := lost("Its current version is said to be %d, which is not the newest of its versions.", secret.CurrentVersion)
		f := s.finding(s.env, "secret", secret.Name, "", err)
		f.SecretID, f.Version = secret.ID, secret.CurrentVersion
		seen.findings = append(seen.findings, f)
	}
	seen.place.Secret = rows[len(rows)-1].ID
	return seen, nil
}
