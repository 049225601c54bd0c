package auth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// ProviderJobKind is the job that fetches metadata and looks at certificates.
const ProviderJobKind = "providers"

// How often that job runs, and how soon again where a fetch failed.
const (
	watchProvidersEvery = time.Hour
	watchProvidersSoon  = 5 * time.Minute
)

// warnDays are how many days before a certificate ends people are told.
var warnDays = []int{30, 7, 1}

// WatchProviders is the job: it fetches the metadata of every provider that has an address,
// and tells people of certificates that end.
func (s *Service) WatchProviders(ctx context.Context, _ models.Job) (*time.Time, error) {
	var rows []models.Provider
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Providers()
		return err
	})
	if err != nil {
		return nil, err
	}
	next := s.now().Add(watchProvidersEvery)
	for _, row := range rows {
		if row.Config.MetadataURL != "" && s.fetch(ctx, row) != nil {
			next = s.now().Add(watchProvidersSoon)
		}
		if err := s.warn(ctx, row.ID); err != nil {
			return nil, err
		}
	}
	return &next, nil
}

// fetch fetches a provider's metadata and keeps what came of it.
func (s *Service) fetch(ctx context.Context, row models.Provider) error {
	p, err := s.openProvider(row)
	if err != nil {
		return err
	}
	err = p.Refresh(ctx)
	var metadata []byte
	problem := ""
	if err == nil {
		metadata = p.IDPMetadata()
	} else {
		problem = fault.Public(err).Error()
		s.deps.Log.WarnContext(ctx, "metadata of an identity provider was not fetched; the last good stays", "provider", row.Name, "error", err)
	}
	kept := s.store.Write(ctx, func(tx *store.Tx) error { return tx.KeepMetadata(row.ID, row.Revision, metadata, s.now(), problem) })
	return firstOf(kept, err)
}

// warn tells people of the certificates of a provider that end, and that they do no more.
func (s *Service) warn(ctx context.Context, id models.ProviderID) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.Provider(id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		p, err := s.openProvider(row)
		if err != nil {
			return nil // it cannot work at all, which health says
		}
		return s.deps.Alert(tx, certificateSignals(row, p.Certificates(), s.now(), false)...)
	})
}

// certificateEnd is when a side's messages are not believed any more: ours with the pair that
// signs, theirs with the last certificate that metadata names.
func certificateEnd(all []saml.Certificate, ours bool) (end time.Time) {
	for _, c := range all {
		if c.Ours == ours && c.Signs && c.NotAfter.After(end) {
			end = c.NotAfter
		}
	}
	return end
}

// certificateSignals is a look at both sides' certificates: a condition of its own for each
// span, so that people are told at each.
func certificateSignals(p models.Provider, all []saml.Certificate, now time.Time, gone bool) []models.Signal {
	var signals []models.Signal
	for _, ours := range []bool{true, false} {
		end := certificateEnd(all, ours)
		whose, mend := "The identity provider's signing certificate for "+p.Label(), "Activate a new one there, and see that Keeper has the new metadata."
		if ours {
			whose, mend = "Keeper's certificate for "+p.Label(), "Make a new key pair at the provider's page and upload its certificate at the identity provider."
		}
		for _, days := range warnDays {
			one := models.Signal{
				Kind: models.AlertCertificateExpiring, Subject: fmt.Sprintf("%s/%s/%d", p.ID, sideOf(ours), days), SubjectName: p.Name, Quiet: gone,
				Holds: !gone && p.Enabled && !end.IsZero() && end.Sub(now) <= time.Duration(days)*24*time.Hour,
			}
			if one.Holds {
				one.Summary, one.Hint = whose+" "+endWords(end, now)+".", mend
			}
			signals = append(signals, one)
		}
	}
	return signals
}

func sideOf(ours bool) string {
	if ours {
		return "ours"
	}
	return "theirs"
}

func endWords(end, now time.Time) string {
	day := end.UTC().Format(time.DateOnly)
	switch left := int(end.Sub(now) / (24 * time.Hour)); {
	case !now.Before(end):
		return "ended on " + day
	case left == 0:
		return "ends within a day, on " + day
	default:
		return "ends in " + strconv.Itoa(left) + " days, on " + day
	}
}

// ProviderHealth is how an identity provider that is on stands.
type ProviderHealth struct {
	Name   string
	OK     bool
	Detail string
}

// ProvidersHealth tells of all that are on.
func (s *Service) ProvidersHealth(ctx context.Context) ([]ProviderHealth, error) {
	var rows []models.Provider
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Providers()
		return err
	})
	var all []ProviderHealth
	for _, row := range rows {
		if row.Enabled {
			all = append(all, s.providerHealth(row))
		}
	}
	return all, err
}

func (s *Service) providerHealth(row models.Provider) ProviderHealth {
	view, now := s.providerView(row), s.now()
	h := ProviderHealth{Name: row.Name, OK: true, Detail: "works"}
	if view.Problem != "" {
		return ProviderHealth{Name: row.Name, Detail: view.Problem}
	}
	if row.LastError != "" {
		h.OK, h.Detail = false, "the last good metadata is used: "+row.LastError
	}
	for _, ours := range []bool{false, true} {
		if end := certificateEnd(view.Certificates, ours); end.Sub(now) <= 7*24*time.Hour {
			h.OK, h.Detail = false, map[bool]string{true: "Keeper's certificate ", false: "its signing certificate "}[ours]+endWords(end, now)
		}
	}
	return h
}
