package auth_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

const here, elsewhere = models.EnvironmentID(1), models.EnvironmentID(2)

var inEnvironment = []auth.Action{
	auth.ViewEnvironment, auth.ManageEnvironment, auth.ViewSecret, auth.RevealSecret, auth.WriteSecret, auth.DeleteSecret,
	auth.ViewDestination, auth.ManageDestination, auth.TriggerSync, auth.ViewEnvironmentLog,
	auth.ViewAlerts, auth.ManageAlerts, auth.ViewMembers, auth.ManageMembers,
}

var global = []auth.Action{auth.CreateEnvironment, auth.ViewAudit, auth.ViewUsers, auth.ManageUsers, auth.AlertEverywhere, auth.ViewOwnTokens, auth.ManageOwnTokens}

func user(role models.GlobalRole, in models.EnvironmentRole) models.Actor {
	return models.Actor{
		Kind: models.ActorUser, ID: "usr_1", UserID: "usr_1", Role: role,
		Roles: map[models.EnvironmentID]models.EnvironmentRole{here: in},
	}
}

// TestCan is the table of who may do what.
func TestCan(t *testing.T) {
	looks := []auth.Action{auth.ViewEnvironment, auth.ViewSecret, auth.ViewDestination, auth.ViewAlerts}
	reads := append(slices.Clone(looks), auth.RevealSecret)
	edits := append(slices.Clone(reads), auth.WriteSecret, auth.DeleteSecret, auth.TriggerSync)
	manages := append(slices.Clone(edits), auth.ManageEnvironment, auth.ManageDestination, auth.ManageAlerts, auth.ViewEnvironmentLog, auth.ViewMembers, auth.ManageMembers)
	audits := append(slices.Clone(looks), auth.ViewEnvironmentLog, auth.ViewMembers)
	own := []auth.Action{auth.ViewOwnTokens, auth.ManageOwnTokens}
	scoped := func(a models.Actor, s models.TokenScope) models.Actor {
		a.Kind, a.Scope = models.ActorToken, &s
		return a
	}
	for name, c := range map[string]struct {
		actor                    models.Actor
		here, elsewhere, nowhere []auth.Action
	}{
		"nobody":                   {models.Actor{Kind: models.ActorNobody, Role: models.RoleAdmin, UserID: "usr_1"}, nil, nil, nil},
		"the zero actor":           {models.Actor{}, nil, nil, nil},
		"an unknown kind":          {models.Actor{Kind: "robot", Role: models.RoleAdmin, UserID: "usr_1"}, nil, nil, nil},
		"an unknown role":          {user("root", models.RoleManager), nil, nil, nil},
		"an unknown local role":    {user(models.RoleUser, "owner"), nil, nil, own},
		"a stranger":               {user(models.RoleUser, ""), nil, nil, own},
		"a viewer":                 {user(models.RoleUser, models.RoleViewer), looks, nil, own},
		"a reader":                 {user(models.RoleUser, models.RoleReader), reads, nil, own},
		"an editor":                {user(models.RoleUser, models.RoleEditor), edits, nil, own},
		"a manager":                {user(models.RoleUser, models.RoleManager), manages, nil, own},
		"an auditor":               {user(models.RoleAuditor, ""), audits, audits, append(slices.Clone(own), auth.ViewAudit, auth.ViewUsers)},
		"an auditor who edits":     {user(models.RoleAuditor, models.RoleEditor), append(slices.Clone(edits), auth.ViewEnvironmentLog, auth.ViewMembers), audits, append(slices.Clone(own), auth.ViewAudit, auth.ViewUsers)},
		"an administrator":         {user(models.RoleAdmin, ""), inEnvironment, inEnvironment, global},
		"the system":               {models.System(), inEnvironment, inEnvironment, []auth.Action{auth.CreateEnvironment, auth.ViewAudit, auth.ViewUsers, auth.ManageUsers, auth.AlertEverywhere}},
		"a token without a scope":  {scoped(user(models.RoleUser, models.RoleEditor), models.TokenScope{}), edits, nil, own},
		"a read-only token":        {scoped(user(models.RoleAdmin, ""), models.TokenScope{ReadOnly: true}), append(slices.Clone(reads), auth.ViewEnvironmentLog, auth.ViewMembers), append(slices.Clone(reads), auth.ViewEnvironmentLog, auth.ViewMembers), []auth.Action{auth.ViewAudit, auth.ViewUsers, auth.ViewOwnTokens}},
		"a token that reveals":     {scoped(user(models.RoleAdmin, ""), models.TokenScope{Actions: []string{"secret.reveal"}}), []auth.Action{auth.ViewEnvironment, auth.ViewSecret, auth.RevealSecret}, []auth.Action{auth.ViewEnvironment, auth.ViewSecret, auth.RevealSecret}, nil},
		"a token of people":        {scoped(user(models.RoleAdmin, ""), models.TokenScope{Actions: []string{"users.manage"}}), nil, nil, []auth.Action{auth.ViewUsers, auth.ManageUsers}},
		"a token of nothing known": {scoped(user(models.RoleAdmin, ""), models.TokenScope{Actions: []string{"x"}}), nil, nil, nil},
		"a token of one":           {scoped(user(models.RoleAdmin, ""), models.TokenScope{Environments: []models.EnvironmentID{here}}), inEnvironment, nil, nil},
		"a read-only token of one": {scoped(user(models.RoleAdmin, ""), models.TokenScope{Environments: []models.EnvironmentID{here}, ReadOnly: true}), append(slices.Clone(reads), auth.ViewEnvironmentLog, auth.ViewMembers), nil, nil},
		"a token of another":       {scoped(user(models.RoleUser, models.RoleManager), models.TokenScope{Environments: []models.EnvironmentID{elsewhere}}), nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for place, may := range map[models.EnvironmentID][]auth.Action{here: c.here, elsewhere: c.elsewhere, auth.Global: c.nowhere} {
				for _, action := range slices.Concat(inEnvironment, global, []auth.Action{"", "secret.steal"}) {
					if got, want := auth.Can(c.actor, action, place), slices.Contains(may, action); got != want {
						t.Errorf("%q in environment %d: %v, want %v", action, place, got, want)
					}
				}
			}
		})
	}
}

func anActor() *rapid.Generator[models.Actor] {
	environments := rapid.SampledFrom([]models.EnvironmentID{-1, 0, 1, 2, 3})
	return rapid.Custom(func(t *rapid.T) models.Actor {
		a := models.Actor{
			Kind:   rapid.SampledFrom([]models.ActorKind{models.ActorUser, models.ActorToken, models.ActorSystem, models.ActorNobody, "", "x"}).Draw(t, "kind"),
			Role:   rapid.SampledFrom([]models.GlobalRole{models.RoleAdmin, models.RoleAuditor, models.RoleUser, "", "x"}).Draw(t, "role"),
			UserID: rapid.SampledFrom([]models.UserID{"", "usr_1"}).Draw(t, "user"),
			Roles:  rapid.MapOf(environments, rapid.SampledFrom(append(slices.Clone(models.EnvironmentRoles), "", "x"))).Draw(t, "roles"),
		}
		if rapid.Bool().Draw(t, "scoped") {
			a.Scope = ptr(aScope().Draw(t, "scope"))
		}
		return a
	})
}

func aScope() *rapid.Generator[models.TokenScope] {
	return rapid.Custom(func(t *rapid.T) models.TokenScope {
		return models.TokenScope{
			Environments: rapid.SliceOfN(rapid.SampledFrom([]models.EnvironmentID{-1, 0, 1, 2, 3}), 0, 3).Draw(t, "environments"),
			ReadOnly:     rapid.Bool().Draw(t, "read only"),
			Actions:      rapid.SliceOfN(rapid.Map(anAction(), func(a auth.Action) string { return string(a) }), 0, 4).Draw(t, "actions"),
		}
	})
}

func anAction() *rapid.Generator[auth.Action] {
	return rapid.SampledFrom(slices.Concat(inEnvironment, global, []auth.Action{"", "x"}))
}

func TestScopeOnlyNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, action := anActor().Draw(t, "actor"), anAction().Draw(t, "action")
		e := models.EnvironmentID(rapid.IntRange(-1, 3).Draw(t, "environment"))
		free := a
		free.Scope = nil
		if auth.Can(a, action, e) && !auth.Can(free, action, e) {
			t.Fatal("a scope gives what its user may not do")
		}
		if a.Scope != nil && auth.Can(a, action, e) && len(a.Scope.Environments) > 0 && !slices.Contains(a.Scope.Environments, e) {
			t.Fatal("a scope is left")
		}
	})
}

func TestRolesAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, action := anActor().Draw(t, "actor"), anAction().Draw(t, "action")
		weak := rapid.IntRange(0, len(models.EnvironmentRoles)-2).Draw(t, "role")
		with := func(i int) bool {
			a.Roles = map[models.EnvironmentID]models.EnvironmentRole{here: models.EnvironmentRoles[i]}
			return auth.Can(a, action, here)
		}
		if with(weak) && !with(weak+1) {
			t.Fatalf("%s may, %s may not", models.EnvironmentRoles[weak], models.EnvironmentRoles[weak+1])
		}
		if with(weak) && a.Role == models.RoleUser && auth.Can(a, action, elsewhere) {
			t.Fatal("a role in one environment counts in another")
		}
	})
}

// TestCheckAgreesWithCan holds the refusals to the decision: an error where and only where
// Can denies, and nothing forbidden in what may not be seen.
func TestCheckAgreesWithCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, action := anActor().Draw(t, "actor"), anAction().Draw(t, "action")
		e := models.EnvironmentID(rapid.IntRange(-1, 3).Draw(t, "environment"))
		err := auth.Check(a, action, e)
		if (err == nil) != auth.Can(a, action, e) {
			t.Fatalf("Check says %v", err)
		}
		if e != auth.Global && fault.Is(err, fault.Forbidden) && !auth.Can(a, auth.ViewEnvironment, e) {
			t.Fatal("what may not be seen is forbidden, and with that said to be there")
		}
		if (a.Kind == models.ActorNobody || a.Kind == "") && !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("nobody is told %v", err)
		}
	})
}

func TestVisible(t *testing.T) {
	all := []models.Environment{{ID: here}, {ID: elsewhere}}
	if got := auth.Visible(user(models.RoleUser, models.RoleViewer), auth.ViewEnvironment, all); len(got) != 1 || got[0].ID != here {
		t.Errorf("visible %v", got)
	}
	if len(all) != 2 || all[1].ID != elsewhere {
		t.Error("the list that was given has changed")
	}
}
