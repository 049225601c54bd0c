package app

import (
	"context"
	"net/netip"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/web"
	"github.com/your-org/keeper/web/rest"
)

func (a *App) buildWeb(_ context.Context, o Options) error {
	if !o.Server {
		return nil
	}
	a.warnOfPlainCookies()
	origin := web.NewOrigin([]netip.Prefix(a.Config.TrustedProxies))
	log := audit.NewLog(a.Store, a.Secrets.AuditAccess)
	api, err := rest.New(rest.Deps{
		Secrets: a.Secrets, Destinations: a.Destinations, Keys: a.Keys, Alerts: a.Alerts, Auth: a.Auth, Audit: log, Now: a.now, Log: a.Log,
		Idempotency: a.Idempotency, Origin: origin.Of("api"),
	})
	if err != nil {
		return err
	}
	a.Handler, err = web.New(web.Deps{
		Secrets: a.Secrets, Destinations: a.Destinations, Keys: a.Keys, Alerts: a.Alerts, Figures: a.Figures, Auth: a.Auth, Audit: log, API: api,
		Health: a.Health, Metrics: a.Metrics, Subscribe: a.feed.Subscribe, Origin: origin,
		PublicURL: a.Config.PublicURL, Version: o.Version, Now: a.now, Log: a.Log,
		Hosts: a.hosts(), MetricsToken: a.Config.MetricsToken.Reveal(), StrangerRate: a.Config.StrangerRate,
	})
	return err
}

// hosts are the names under which Keeper answers.
func (a *App) hosts() web.Hosts {
	return web.NewHosts(a.Config.PublicURL, a.Config.Host, a.Config.AllowedHosts)
}

// warnOfPlainCookies tells where a session could be read on the way.
func (a *App) warnOfPlainCookies() {
	c := a.Config
	if c.Production() && !c.ServesTLS() && !strings.HasPrefix(c.PublicURL, "https://") && len(c.TrustedProxies) == 0 {
		a.Log.Warn("nothing says that people reach this server over TLS, and cookies are not marked Secure: set KEEPER_PUBLIC_URL to its https:// address, or KEEPER_TLS_CERT_FILE")
	}
}
