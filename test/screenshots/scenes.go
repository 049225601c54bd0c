package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/scenario"
	"github.com/your-org/keeper/test/scenes"
)

// scene is a page after somebody has done something on it.
type scene struct {
	page
	looks []string // of those in looks
	done  string   // JavaScript that does it
}

// pictured are pages with what opens over them, and forms that were refused.
var pictured = []scene{
	{page{"palette", "/secrets"}, []string{"", "-dark", "-phone"}, scenes.Palette},
	{page{"sidebar", "/secrets"}, []string{"-phone", "-phone-dark"}, scenes.Sidebar},
	{page{"user-menu", "/secrets"}, []string{"", "-dark"}, scenes.UserMenu},
	{page{"refused-secret", "/secrets/new?environment=production"}, []string{"", "-dark", "-phone"}, scenes.RefusedSecret},
	{page{"refused-destination", "/environments/production/destinations/new?kind=vault_kv_v2"}, []string{"", "-phone"}, scenes.RefusedDestination},
	{page{"refused-environment", "/environments/new"}, []string{"", "-dark"}, scenes.RefusedEnvironment},
	{page{"shown-token", "/tokens/new"}, []string{"", "-dark", "-phone"}, scenes.NewToken},
	{page{"shown-password", "/admin/users/new"}, []string{"", "-phone"}, scenes.NewUser},
	{page{"shown-totp", "/profile/factors"}, []string{"", "-dark", "-phone"}, scenes.NewTOTP},
	{page{"open-filter", "/secrets"}, []string{"", "-dark", "-phone"}, scenes.Filter},
	{page{"open-table", "/"}, []string{"", "-phone"}, scenes.Folds},
}

// shootScenes takes the pictures of what is done on pages.
func shootScenes(url string, o options) error {
	return withTab(url, "admin", password, func(tab *browser.Tab) error {
		for _, s := range pictured {
			for _, look := range looks {
				if !strings.HasPrefix(s.name, o.only) || !slices.Contains(s.looks, look.name) || look.name != "" && !o.all && !slices.Contains(s.looks[:1], look.name) {
					continue
				}
				if err := act(tab, s, look.Look, filepath.Join(o.out, s.name+look.name+".png")); err != nil {
					return fmt.Errorf("%s%s: %w", s.name, look.name, err)
				}
			}
		}
		return nil
	})
}

func act(tab *browser.Tab, s scene, look browser.Look, file string) error {
	if err := errors.Join(tab.Look(look), tab.Open(s.path)); err != nil {
		return err
	}
	time.Sleep(settle)
	if _, err := tab.Eval(s.done); err != nil {
		return err
	}
	time.Sleep(2 * settle)
	return snap(tab, file, strings.HasPrefix(s.name, "refused") || s.name == "open-table")
}

// shootRoles takes pictures as people of each role see what they come to.
func shootRoles(ctx context.Context, w *scenario.World, story peopleStory, o options) error {
	secret, err := w.Client().FindSecret(ctx, api.EnvironmentNamed("production"), "payments/stripe/api-key", false)
	if err != nil {
		return err
	}
	list, err := w.Client().ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "production"})
	if err != nil {
		return err
	}
	one := fmt.Sprintf("/secrets/%d", secret.ID)
	for _, r := range roles {
		as := "as-" + cmp.Or(r.role, r.global) + "-"
		if !strings.HasPrefix(as, o.only) && !strings.HasPrefix(o.only, as) {
			continue
		}
		pages := []page{
			{as + "dashboard", "/"},
			{as + "secrets", "/secrets"},
			{as + "secret", one},
			{as + "secret-versions", one + "/versions"},
			{as + "secret-edit", one + "/edit"},
			{as + "environment", "/environments/production"},
			{as + "destination", "/destinations/" + list.Items[0].ID},
			{as + "sync", "/sync"},
			{as + "alerts", "/alerts"},
			{as + "audit", "/audit"},
			{as + "users", "/admin/users"},
			{as + "keys", "/keys"},
		}
		err := withTab(w.Keeper.URL, r.name, story.users[r.name].Password.Reveal(), func(tab *browser.Tab) error {
			if err := choosePassword(tab, story.users[r.name].Password.Reveal()); err != nil {
				return err
			}
			return shootIn(tab, tab, o, pages)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// choosePassword is what everybody does who comes with a first password.
func choosePassword(tab *browser.Tab, first string) error {
	const own = "amber lantern harbour 7"
	err := errors.Join(tab.Fill("#f-current-password", first), tab.Fill("#f-new-password", own), tab.Fill("#f-repeat-password", own))
	if err != nil {
		return err
	}
	if _, err := tab.Eval(`() => { document.querySelector("form[action='/password'] [type=submit]").click(); }`); err != nil {
		return err
	}
	return tab.Until("the page after the password", `() => location.pathname !== "/password" && document.readyState === "complete"`)
}

// withTab has somebody sign in in a browser of their own.
func withTab(url, name, password string, with func(*browser.Tab) error) (err error) {
	chromium, err := browser.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chromium.Close()) }()
	tab, err := chromium.Tab(url)
	if err != nil {
		return err
	}
	if err := tab.SignIn(name, password); err != nil {
		return err
	}
	return with(tab)
}
