package templates

import (
	"net/netip"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

var (
	grace = models.User{
		ID: "usr_7k2m", Kind: models.UserPerson, Username: "grace", DisplayName: "Grace Hopper", Email: "grace@example.com", Role: models.RoleUser,
		Revision: 4, CreatedAt: ago(80 * sampleDay), LastSignInAt: agoP(2 * time.Hour),
	}
	deployer = models.User{
		ID: "usr_9d0p", Kind: models.UserService, Username: "deployer", DisplayName: "Deploy pipeline", Description: "Reads what the release needs", Role: models.RoleUser,
		Revision: 2, CreatedAt: ago(60 * sampleDay),
	}
	payments = models.Group{ID: "grp_4f1a", Name: "Payments", Description: "Who keeps the payment services", Role: models.RoleUser, Revision: 3, UpdatedAt: ago(3 * sampleDay)}
	onCall   = models.Group{ID: "grp_8s3c", ProviderID: "prv_okta", Name: "okta-on-call", Role: models.RoleAuditor, Revision: 1, UpdatedAt: ago(20 * sampleDay)}
)

func sampleTokenRows() []TokenRow {
	tokens := []models.Token{
		{ID: "tok_5", UserID: deployer.ID, Name: "release", Hint: "kpr_q1Wz", CreatedAt: ago(time.Hour), Replaces: "tok_4", ExpiresAt: agoP(-90 * sampleDay), Scope: models.TokenScope{
			Environments: []models.EnvironmentID{1}, Actions: []string{"secret.reveal"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.4.0.0/16"), netip.MustParsePrefix("2001:db8::/32")},
		}},
		{ID: "tok_4", UserID: deployer.ID, Name: "release", Hint: "kpr_7Hd2", CreatedAt: ago(80 * sampleDay), ExpiresAt: agoP(-23 * time.Hour), LastUsedAt: agoP(11 * time.Minute), LastUsedBy: "10.4.0.17"},
		{ID: "tok_3", UserID: deployer.ID, Name: "first try", Hint: "kpr_aa01", CreatedAt: ago(90 * sampleDay), RevokedAt: agoP(80 * sampleDay)},
	}
	return tokenRows(tokens, true, true)
}

func sampleSources() []SourceView {
	return []SourceView{{Role: "editor"}, {GroupID: payments.ID, GroupName: payments.Name, Role: "reader"}, {GroupID: onCall.ID, GroupName: onCall.Name, Role: "auditor", Global: true}}
}

func sampleAccounts(b BasePage, all map[string]Page) {
	off := grace
	off.ID, off.Username, off.Disabled, off.BreakGlass, off.LastSignInAt = "usr_1", "jonas", true, true, nil
	fresh := grace
	fresh.ID, fresh.Username, fresh.DisplayName, fresh.MustChangePassword = "usr_2", "ada", "", true
	all["accounts"] = &AccountListPage{BasePage: b, MayManage: true, Pager: Pager{Next: "c2", Total: -1}, Rows: []AccountRow{
		{fresh, models.RoleAdmin, 0, 1}, {deployer, models.RoleUser, 1, 0}, {grace, models.RoleAuditor, 2, 2}, {off, models.RoleUser, 0, 0},
	}}
	all["accounts none"] = &AccountListPage{BasePage: b, Filter: AccountFilter{Query: "nobody", Kind: "person", Role: "admin", State: "disabled"}, Pager: Pager{Total: -1}}
	all["account new"] = &AccountFormPage{BasePage: b, Kind: models.UserPerson}
	all["account new service"] = &AccountFormPage{BasePage: b, Kind: models.UserService, Form: failedForm(map[string]string{"username": "a b"}, fault.Field{Name: "username", Message: "must be a lower-case letter or a digit"})}
	all["account edit"] = &AccountFormPage{BasePage: b, Kind: models.UserPerson, User: new(grace), Form: Form{Revision: 4, Values: map[string]string{"display_name": "Grace Hopper", "role": "auditor", "break_glass": "true"}}}
	all["account"] = &AccountPage{
		BasePage: b, User: grace, Effective: models.RoleAuditor, Global: sampleSources()[2:], MayManage: true, NeedProof: true, Groups: []models.Group{payments, onCall},
		Rights: []RightView{
			{production, models.RoleEditor, models.RoleEditor, sampleSources()},
			{staging, "", "", sampleSources()[2:]},
		},
		Sessions: []SessionView{
			{models.Session{Hash: "aa11", Address: "10.4.0.17", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Method: models.ByPasskey, LastSeenAt: ago(0), ExpiresAt: ago(-9 * time.Hour)}, false},
			{models.Session{Hash: "bb22", Address: "84.20.1.9", UserAgent: "curl", Method: models.BySAML, LastSeenAt: ago(3 * time.Hour), ExpiresAt: ago(-2 * time.Hour)}, true},
		},
		Tokens:  []models.Token{{ID: "tok_1", Name: "laptop", Hint: "kpr_p0Qx", CreatedAt: ago(80 * sampleDay)}},
		Factors: FactorCount{App: true, Passkeys: 2, Codes: 7},
	}
	service := []models.Token{}
	for _, row := range sampleTokenRows() {
		service = append(service, row.Token)
	}
	all["account service"] = &AccountPage{BasePage: b, User: deployer, Effective: models.RoleUser, Global: []SourceView{{Role: "user", Global: true}}, MayManage: true, Tokens: service, Form: failedForm(map[string]string{"environment": "staging"}, fault.Field{Name: "role", Message: "must be viewer, reader, editor or manager"})}
	all["account off, as auditor"] = &AccountPage{BasePage: b, User: off, Effective: models.RoleUser, Groups: []models.Group{payments}}
	all["account enabled again"] = &AccountPage{BasePage: b, User: off, Effective: models.RoleAdmin, MayManage: true, Rights: []RightView{{Environment: production, Through: []SourceView{{Role: "admin", Global: true}}}}}
	all["one-time password"] = &OneTimePasswordPage{BasePage: b, User: grace, New: true, Secret: "SAMPLE-ONE-TIME-PASSWORD-1"}
	all["one-time password again"] = &OneTimePasswordPage{BasePage: b, User: grace, Secret: "SAMPLE-ONE-TIME-PASSWORD-2"}
	all["account disable"] = &AccountAskPage{BasePage: b, User: grace, Act: ActDisable, Sessions: 2, Tokens: 1, Form: Form{Revision: 4}}
	all["account password"] = &AccountAskPage{BasePage: b, User: grace, Act: ActPassword}
	all["account factors"] = &AccountAskPage{BasePage: b, User: grace, Act: ActFactors, Sessions: 1, Factors: FactorCount{Passkeys: 1, Codes: 10}}
	all["account delete"] = &AccountDeletePage{BasePage: b, User: grace, Sessions: 2, Tokens: 1, Roles: 1, Groups: 2, Confirmation: Confirmation{Name: "grace", Form: Form{Revision: 4}}}
	sampleGroups(b, all)
	sampleAccess(b, all)
}

func sampleGroups(b BasePage, all map[string]Page) {
	roles := []GroupRoleView{{production, models.RoleReader}, {staging, models.RoleManager}}
	all["groups"] = &GroupListPage{BasePage: b, Groups: []models.Group{payments, onCall}, Pager: Pager{Next: "c2", Total: -1}, MayManage: true}
	all["groups none"] = &GroupListPage{BasePage: b, Query: "x", Pager: Pager{Total: -1}}
	all["groups empty"] = &GroupListPage{BasePage: b, Pager: Pager{Total: -1}, MayManage: true}
	all["group new"] = &GroupFormPage{BasePage: b}
	all["group edit"] = &GroupFormPage{BasePage: b, Group: new(payments), Form: Form{Revision: 3}}
	all["group edit provider's"] = &GroupFormPage{BasePage: b, Group: new(onCall), Form: Form{Revision: 1}}
	all["group"] = &GroupPage{BasePage: b, Group: payments, Members: []models.User{grace, deployer}, Roles: roles, Pager: Pager{Next: "c2", Total: -1}, MayManage: true, NeedProof: true}
	all["group provider's"] = &GroupPage{BasePage: b, Group: onCall, Members: []models.User{grace}, Roles: roles, Pager: Pager{Total: -1}, MayManage: true}
	all["group empty"] = &GroupPage{BasePage: b, Group: payments, Pager: Pager{Total: -1}, MayManage: true, Form: failedForm(map[string]string{"user": "nobody"}, fault.Field{Name: "user", Message: "is none that there is"})}
	all["group delete"] = &GroupDeletePage{BasePage: b, Group: onCall, Roles: roles, Confirmation: Confirmation{Name: "okta-on-call", Form: Form{Revision: 1}}}
	all["members"] = &MembersPage{
		BasePage: b, Environment: production, MayManage: true, MayKeys: true, NeedProof: true, Pager: Pager{Next: "c2", Total: -1},
		Members: []Member{{grace, models.RoleManager}, {models.User{ID: "usr_1", Username: "jonas", Disabled: true}, models.RoleViewer}},
		Groups:  []MemberGroup{{payments.ID, payments.Name, "", models.RoleReader}, {onCall.ID, onCall.Name, onCall.ProviderID, models.RoleViewer}},
	}
	manager := b
	manager.MayViewUsers, manager.Actor.Role = false, models.RoleUser
	all["members as manager"] = &MembersPage{BasePage: manager, Environment: staging, Pager: Pager{Total: -1}, MayManage: true, Members: []Member{{grace, models.RoleReader}}, Groups: []MemberGroup{{payments.ID, payments.Name, "", models.RoleReader}}}
	all["members as auditor"] = &MembersPage{BasePage: b, Environment: development, Pager: Pager{Total: -1}}
}

func sampleAccess(b BasePage, all map[string]Page) {
	choices := []ActionChoice{{"secret.view", true}, {"secret.reveal", true}, {"users.manage", false}, {"made.up", false}}
	asked := AccessQuestion{Who: "grace", Action: "secret.reveal", Environment: "production"}
	all["access"] = &AccessPage{BasePage: b, Actions: choices, Pager: Pager{Total: -1}}
	all["access allowed"] = &AccessPage{BasePage: b, Actions: choices, Question: asked, Environment: new(production), Pager: Pager{Total: -1}, Answer: &AccessAnswer{User: grace, Allowed: true, Through: sampleSources(), Notes: []string{"The environment is protected: the person has to prove again who it is."}}}
	all["access refused"] = &AccessPage{BasePage: b, Actions: choices, Question: asked, Environment: new(production), Pager: Pager{Total: -1}, Answer: &AccessAnswer{User: deployer, Token: &models.Token{ID: "tok_5", Name: "release"}, Through: sampleSources()[:1], Against: []string{"The token is read-only.", "The token has expired."}}}
	all["access holders"] = &AccessPage{BasePage: b, Actions: choices, Question: asked, Environment: new(production), Everybody: true, Pager: Pager{Next: "c2", Total: -1}, Holders: []AccessHolder{{grace, sampleSources()}, {deployer, sampleSources()[:1]}}}
	all["access nobody"] = &AccessPage{BasePage: b, Actions: choices, Question: asked, Everybody: true, Pager: Pager{Total: -1}}
	own := b
	own.MayViewUsers = false
	all["access of one's own, unknown"] = &AccessPage{BasePage: own, Actions: choices, Question: asked, Pager: Pager{Total: -1}, Form: failedForm(nil, fault.Field{Name: "environment_id", Message: "must name the environment"})}
	all["access of one's own"] = &AccessPage{BasePage: own, Actions: choices, Question: asked, Environment: new(staging), Pager: Pager{Total: -1}, Answer: &AccessAnswer{User: grace, Allowed: true, Through: sampleSources()}}
	rows := sampleTokenRows()
	for i := range rows {
		rows[i].Owner, rows[i].MayRotate = "deployer", false
	}
	all["tokens all"] = &AllTokensPage{BasePage: b, Rows: rows, Ended: true, Pager: Pager{Next: "c2", Total: -1}}
	all["tokens none"] = &AllTokensPage{BasePage: b, Pager: Pager{Total: -1}}
	all["token leaked"] = &LeakedTokenPage{BasePage: b, Form: failedForm(nil, fault.Field{Name: "token", Message: "is none"})}
	all["token rotate"] = &TokenRotatePage{BasePage: b, Token: rows[0].Token, Form: NewForm(map[string]string{"overlap": "24"})}
	all["token rotate for"] = &TokenRotatePage{BasePage: b, For: new(deployer), Token: rows[1].Token}
	all["token new for"] = &TokenNewPage{BasePage: b, For: new(deployer), Actions: choices, Named: []string{"secret.reveal"}, Form: failedForm(map[string]string{"networks": "x"}, fault.Field{Name: "networks", Message: "must be networks"}, fault.Field{Name: "actions", Message: "must be actions"})}
	all["token rotated"] = &TokenCreatedPage{BasePage: b, For: new(deployer), Token: rows[0].Token, OldEnds: agoP(-24 * time.Hour), Secret: "kpr_SAMPLEsampleSAMPLEsampleSAMPLEsample"}
}
