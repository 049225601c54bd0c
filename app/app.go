// Package app puts Keeper together: it is the only package that knows everybody. New builds
// from the settings, Run serves until its context ends, Close gives everything back.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/jobs"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/telemetry"
)

// App is Keeper, built and not yet serving.
type App struct {
	Config       *config.Config
	Log          *slog.Logger
	Store        *store.Store
	Envelope     *kms.Envelope
	Auth         *auth.Service
	Secrets      *secrets.Service
	Destinations *destinations.Service
	Quotas       *destinations.Quotas // nil: no other replica can be there
	Keys         *keys.Service
	Alerts       *alerts.Service
	Figures      *figures.Service
	Idempotency  *idempotency.Service
	Jobs         *jobs.Runner
	Metrics      *telemetry.Metrics
	Handler      http.Handler

	// FirstPassword is the one-time password of the administrator that New made, to be
	// shown once; "" where there were users already.
	FirstPassword string

	certificate *certificate // nil: Keeper serves no TLS itself

	feed     *feed
	backends []kms.Wrapper // without what guards them against an outage, the primary first
	closed   []func() error
	now      func() time.Time
}

// Options say how an App is built.
type Options struct {
	Log *slog.Logger
	// Server is set for the process that serves: it takes the database for itself where
	// that is a file, and migrates it. A command that administers beside it leaves it off.
	Server bool
	// Recover is set for the command that brings values back after a wrapping key was lost:
	// keys that do not open are no reason not to start.
	Recover bool
	Now     func() time.Time // nil: time.Now
	Version string           // of this build
}

// New builds Keeper from the settings. It fails, saying what is needed, where the database
// cannot be opened or the wrapping keys are not the ones that the data needs.
func New(ctx context.Context, c *config.Config, o Options) (_ *App, err error) {
	a := &App{Config: c, Log: o.Log, Metrics: telemetry.NewMetrics(), feed: newFeed(), now: o.Now}
	if a.now == nil {
		a.now = time.Now
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	for _, build := range []func(context.Context, Options) error{
		a.openCertificate, a.openStore, a.openKeys, a.buildAuth, a.buildServices, a.buildJobs, a.buildWeb,
	} {
		if err := build(ctx, o); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *App) openCertificate(_ context.Context, o Options) (err error) {
	if !o.Server || !a.Config.ServesTLS() {
		return nil
	}
	if a.certificate, err = loadCertificate(a.Config.TLSCertFile, a.Config.TLSKeyFile, a.now, a.Log); err != nil {
		return err
	}
	a.Metrics.ServesTLS(a.certificate.expires)
	return nil
}

// Close gives back what New took, the last first.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closed) - 1; i >= 0; i-- {
		errs = append(errs, a.closed[i]())
	}
	a.closed = nil
	return errors.Join(errs...)
}

func (a *App) onClose(f func() error) { a.closed = append(a.closed, f) }

func (a *App) buildAuth(ctx context.Context, o Options) (err error) {
	box, err := a.boxSecret(o)
	if err != nil {
		return err
	}
	if a.Auth, err = auth.New(auth.Deps{
		Store: a.Store, Now: a.now, Secret: []byte(a.Config.SecretKey.Reveal()), BoxSecret: box, PublicURL: a.Config.PublicURL,
		Idle: time.Duration(a.Config.SessionIdle), Lifetime: time.Duration(a.Config.SessionLife),
		LocalSignInOff: !bool(a.Config.LocalSignIn), SAMLMaxAge: time.Duration(a.Config.SAMLMaxAge) * 24 * time.Hour, Log: a.Log,
		Alert: func(tx *store.Tx, signals ...models.Signal) error { return a.Alerts.SignalEverywhere(tx, signals...) },
	}); err != nil || !o.Server {
		return err
	}
	if box == nil { // keys of requests live as long as this process then
		box = make([]byte, kms.KeySize)
		_, _ = rand.Read(box) // crypto/rand.Read never fails since Go 1.24
	}
	a.Idempotency = idempotency.New(idempotency.Deps{Store: a.Store, Auth: a.Auth, Box: kms.NewBox(box), Now: a.now})
	if err := a.Auth.CheckLocalSignIn(ctx); err != nil {
		return err
	}
	a.FirstPassword, err = a.Auth.Bootstrap(ctx, FirstUser, a.Config.AdminPassword.Reveal())
	return err
}

// FirstUser is the name of the first administrator.
const FirstUser = "admin"

func (a *App) buildServices(ctx context.Context, o Options) error {
	owner, err := a.installation(ctx)
	if err != nil {
		return err
	}
	wake := func() {
		if a.Jobs != nil {
			a.Jobs.Wake()
		}
		a.feed.tell()
	}
	a.Secrets = secrets.New(secrets.Deps{
		Store: a.Store, Envelope: a.Envelope, Now: a.now, Log: a.Log, Committed: wake,
		DeleteGrace: time.Duration(a.Config.DeleteGrace) * 24 * time.Hour,
		Changed:     func(tx *store.Tx, s models.Secret) error { return a.Destinations.Changed(tx, s) },
		EntryHash:   destinations.EntryHash,
	})
	a.Alerts = a.newAlerts(wake)
	a.Figures = figures.New(a.Store, a.now)
	limiter := keepersync.NewLimiter(a.Config.QuotaShare)
	if o.Server && a.Store.Dialect() != store.SQLite { // whose one server has the quotas for itself
		a.Quotas = destinations.NewQuotas(a.Store, limiter, a.now, a.Log)
	}
	a.Destinations = destinations.New(destinations.Deps{
		Store: a.Store, Envelope: a.Envelope, OpenVersion: a.Secrets.OpenVersion, Take: a.Secrets.Take, Secrets: a.Secrets, Open: a.opener(limiter), Owner: owner,
		Version: o.Version, QuotaShare: a.Config.QuotaShare,
		Defaults: models.DestinationConfig{
			Region: a.Config.AWSRegion, Endpoint: a.Config.AWSEndpoint, Address: a.Config.VaultURL, Mount: a.Config.VaultMount,
		},
		Interval: a.Config.Interval(), Workers: a.Config.SyncWorkers, Now: a.now, Log: a.Log, Wake: wake, Ran: a.ran,
		Alert: a.Alerts.Signal,
	})
	return a.buildKeys(ctx, wake)
}

// ran hears of every run that moved or ended.
func (a *App) ran(run models.SyncRun) {
	if run.FinishedAt != nil {
		a.Metrics.Run(string(run.Status))
	}
	a.feed.tell()
}

// installation is this installation's identity, made at the first start: the mark by which
// Keeper knows its own at destinations.
func (a *App) installation(ctx context.Context) (owner string, err error) {
	err = a.Store.Write(ctx, func(tx *store.Tx) error {
		owner, err = tx.PutSettingIfAbsent("installation_id", models.NewID("keeper"))
		return err
	})
	return owner, err
}
