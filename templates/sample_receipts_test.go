package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

func sampleReceipts(b BasePage, all map[string]Page) {
	root := "3f8a1c77b2kd9c01aa1x2y3z3f8a1c77b2kd9c01aa1x2y3z3f8a1c77b2kd9c01"
	receipt := ReceiptView{
		Run: "run_2", Plan: "pln_5k2m", Engine: "1.2.0", Installation: "keeper_4f2a", Started: ago(3 * time.Minute), Ended: ago(2 * time.Minute),
		ListingAge: 5 * time.Minute, Signed: true, DestinationThen: "aws-main", Environment: "production",
		PublicKey: "keeper_4f2a/production+1a2b3c4d+AbCdEf0123456789AbCdEf0123456789AbCdEf01234=",
		Proven: ProvenView{
			Wanted: 404, There: 404, WantedRoot: root, ThereRoot: root, Equal: 404, ByVersion: 380, ByValue: 20, ByOwn: 4,
		},
	}
	apart := receipt
	apart.Proven.Equal, apart.Proven.Exceptions, apart.Proven.ThereRoot, apart.Plan = 401, 3, root[8:]+root[:8], ""
	apart.Proven.Named = []ReceiptException{
		{"keeper/production/mail/smtp/password", models.StatusForeign, "The name is taken by something that is not Keeper's."},
		{"keeper/production/payments/db/replica-password", models.StatusUnknown, "It could not be read."},
	}
	part := receipt
	part.Plan, part.ListingAge = "", 0
	part.Proven.Wanted, part.Proven.There, part.Proven.Equal, part.Proven.ByVersion, part.Proven.ByValue, part.Proven.ByOwn = 2, 2, 2, 0, 0, 2
	part.Proven.Part, part.Proven.Names = []string{"keeper/production/mail/smtp/password", "keeper/production/payments/db/replica-password"}, 2
	many := part
	many.Proven.Names, many.Proven.Wanted, many.Proven.There, many.Proven.Equal, many.Proven.ByOwn = 700, 700, 700, 700, 700
	view := RunView{Run: sampleRuns()[1].Run, Destination: awsMain, Environment: production}
	all["receipt"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: receipt, MayReadAgain: true}
	all["receipt with exceptions"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: apart}
	all["receipt of a part"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: part, MayReadAgain: true}
	all["receipt of a large part"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: many, MayReadAgain: true}
	all["receipt matches"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: receipt, MayReadAgain: true, Again: &ReadAgainView{At: sampleNow, Matches: true, Now: receipt.Proven}}
	all["receipt differs"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: receipt, MayReadAgain: true, Again: &ReadAgainView{
		At: sampleNow, Now: apart.Proven, Differ: 3, Differences: apart.Proven.Named,
	}}
	broken := receipt
	broken.Signed = false
	all["receipt untrue"] = &ReceiptPage{BasePage: b, RunView: view, Receipt: broken, Refused: &Flash{Kind: FlashFailed, Message: "The receipt was changed.", Hint: "Look for who did."}}
	all["receipt verify"] = &ReceiptVerifyPage{BasePage: b}
	all["receipt verified"] = &ReceiptVerifyPage{BasePage: b, Receipt: &apart, Again: &ReadAgainView{At: sampleNow, Now: apart.Proven, Differ: 3, Differences: apart.Proven.Named}}
	all["receipt verified, away"] = &ReceiptVerifyPage{BasePage: b, Receipt: &receipt, Refused: &Flash{Kind: FlashFailed, Message: "The destination does not answer.", Hint: "Try again."}}
	all["receipt not verified"] = &ReceiptVerifyPage{BasePage: b, Form: failedForm(map[string]string{"text": "keeper sync", "read_again": "true"})}
	all["receipts"] = &ReceiptListPage{BasePage: b, View: sampleViews()[0], Receipts: []ReceiptView{part, receipt, many, apart}, Pager: Pager{Prev: "c0", Next: "c2", Total: -1}}
	all["receipts about changes"] = &ReceiptListPage{BasePage: b, View: sampleViews()[0], About: AboutChanges, Receipts: []ReceiptView{part, many}}
	all["receipts about all, empty"] = &ReceiptListPage{BasePage: b, View: sampleViews()[0], About: AboutAll}
	all["receipts empty"] = &ReceiptListPage{BasePage: b, View: sampleViews()[0]}
}
