package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/test/scenario"
)

// peopleStory is who there is beside the administrator.
type peopleStory struct {
	users   map[string]api.CreatedUser // by name, each with a first password
	service api.CreatedUser
	token   string // of the service account
	group   string
	close   func()
}

// roles are the people who look at pages, and their roles in production.
var roles = []struct{ name, display, role, global string }{
	{"vera", "Vera Vogt", "viewer", ""}, {"remy", "Remy Laurent", "reader", ""}, {"edda", "Edda Lind", "editor", ""}, {"otto", "Otto Brandt", "", "auditor"},
}

// furnishPeople gives the world people of each role, a group, a service account and an
// identity provider.
func furnishPeople(ctx context.Context, w *scenario.World) (story peopleStory, err error) {
	c := w.Client()
	story.users = map[string]api.CreatedUser{}
	for _, r := range roles {
		made, err := c.CreateUser(ctx, api.NewUser{Username: r.name, DisplayName: r.display, Email: r.name + "@example.com", Role: r.global})
		if err != nil {
			return story, err
		}
		story.users[r.name] = made
		if r.role != "" {
			if err := c.SetMember(ctx, "production", r.name, r.role); err != nil {
				return story, err
			}
		}
	}
	if story.service, err = c.CreateUser(ctx, api.NewUser{Kind: "service", Username: "release-pipeline", Description: "Deploys what is tagged"}); err != nil {
		return story, err
	}
	token, err := c.CreateTokenFor(ctx, "release-pipeline", api.NewToken{Name: "deploy"})
	if err != nil {
		return story, err
	}
	story.token = token.ID
	group, err := c.CreateGroup(ctx, api.NewGroup{Name: "Payments", Description: "Who builds the checkout"})
	if err != nil {
		return story, err
	}
	story.group = group.ID
	if err := errors.Join(c.AddGroupMember(ctx, group.ID, "edda"), c.SetGroupRole(ctx, group.ID, "staging", "editor")); err != nil {
		return story, err
	}
	idp, err := samltest.Start(samltest.User{NameID: "edda"})
	if err != nil {
		return story, err
	}
	story.close = idp.Close
	on := true
	provider, err := c.CreateProvider(ctx, api.NewProvider{Name: "okta", Settings: api.ProviderSettings{DisplayName: "Okta", MetadataURL: idp.MetadataURL()}})
	if err == nil {
		_, err = c.UpdateProvider(ctx, provider.ID, api.ProviderChange{Enabled: &on, Untested: true}, 0)
	}
	return story, err
}

// peoplePages are the pages of people, groups, tokens and identity providers.
func peoplePages(story peopleStory) []page {
	edda, service := "/admin/users/"+story.users["edda"].ID, "/admin/users/"+story.service.ID
	return []page{
		{"users", "/admin/users"},
		{"users-service", "/admin/users?kind=service"},
		{"user-new", "/admin/users/new"},
		{"user", edda},
		{"user-edit", edda + "/edit"},
		{"user-disable", edda + "/disable"},
		{"user-password", edda + "/password"},
		{"user-factors", edda + "/factors"},
		{"user-delete", edda + "/delete"},
		{"service", service},
		{"service-token-new", service + "/tokens/new"},
		{"service-token-rotate", service + "/tokens/" + story.token + "/rotate"},
		{"groups", "/admin/groups"},
		{"group-new", "/admin/groups/new"},
		{"group", "/admin/groups/" + story.group},
		{"group-edit", "/admin/groups/" + story.group + "/edit"},
		{"group-delete", "/admin/groups/" + story.group + "/delete"},
		{"tokens-all", "/admin/tokens"},
		{"access", "/admin/access?who=edda&action=secret.reveal&environment=production"},
		{"access-who", "/admin/access?action=secret.reveal&environment=production"},
		{"members", "/environments/production/members"},
		{"providers", "/admin/providers"},
		{"provider-new", "/admin/providers/new"},
		{"provider", "/admin/providers/okta"},
		{"provider-edit", "/admin/providers/okta/edit"},
		{"provider-doctor", "/admin/providers/okta/doctor"},
		{"provider-delete", "/admin/providers/okta/delete"},
		{"profile-factors", "/profile/factors"},
		{"prove", "/prove?next=/admin/users"},
		{"tokens-leaked", "/tokens/leaked"},
	}
}

// morePages are what the usual world has beside its lists: previews, comparisons, searches,
// receipts, and the reference of the API.
func morePages(ctx context.Context, w *scenario.World) ([]page, error) {
	c := w.Client()
	secret, err := c.FindSecret(ctx, api.EnvironmentNamed("production"), "payments/stripe/api-key", false)
	if err != nil {
		return nil, err
	}
	alerts, err := c.ListAlerts(ctx, api.ListAlertsParams{})
	if err != nil {
		return nil, err
	}
	receipt, err := anyReceipt(ctx, w)
	if err != nil {
		return nil, err
	}
	tokens, err := c.ListTokens(ctx)
	if err != nil {
		return nil, err
	}
	one := fmt.Sprintf("/secrets/%d", secret.ID)
	all := []page{
		{"secret-access", one + "/access"},
		{"secret-diff", one + "/versions/diff"},
		{"secret-rollback", one + "/versions/1/rollback"},
		{"secrets-none", "/secrets?q=nothing-is-called-so"},
		{"bulk-edit", "/secrets/bulk?act=edit&all=true&q=payments&new_owner=Payments"},
		{"bulk-tag", "/secrets/bulk?act=tag&all=true&environment=production"},
		{"bulk-delete", "/secrets/bulk?act=delete&all=true&q=payments"},
		{"bulk-sync", "/secrets/bulk?act=sync&all=true&q=payments"},
		{"search", "/search?q=payments"},
		{"environment-edit", "/environments/production/edit"},
		{"environment-delete", "/environments/development/delete"},
		{"environment-delete-held", "/environments/production/delete"},
		{"environment-export", "/environments/production/export"},
		{"receipt-verify", "/sync/receipts/verify"},
		{"receipts", receipt.list},
		{"receipt", receipt.one},
		{"audit-filtered", "/audit?action=secret.create"},
		{"token-rotate", "/tokens/" + tokens.Items[0].ID + "/rotate"},
		{"docs", "/docs"},
		{"docs-secrets", "/docs/secrets"},
		{"docs-types", "/docs/types"},
	}
	if len(alerts.Items) > 0 {
		all = append(all, page{"alert", "/alerts/" + alerts.Items[0].ID})
	}
	return all, nil
}

type receiptPages struct{ list, one string }

// anyReceipt finds a receipt of production.
func anyReceipt(ctx context.Context, w *scenario.World) (receiptPages, error) {
	list, err := w.Client().ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "production"})
	if err != nil {
		return receiptPages{}, err
	}
	for _, d := range list.Items {
		receipts, err := w.Client().ListReceipts(ctx, d.ID, api.ListReceiptsParams{})
		if err != nil {
			return receiptPages{}, err
		}
		if len(receipts.Items) > 0 {
			return receiptPages{"/destinations/" + d.ID + "/receipts", "/sync/runs/" + receipts.Items[0].RunID + "/receipt"}, nil
		}
	}
	return receiptPages{}, errors.New("production has no receipt")
}
