package sync

import (
	"time"

	"github.com/your-org/keeper/models"
)

// Listings at AWS may be five minutes old; for twice that time after Keeper's own write a
// listing that contradicts it is not believed.
const settleTime = 10 * time.Minute

// Rules are what the entries of one destination are decided by.
type Rules struct {
	Owner       string // the installation's identity, as in Mark
	Destination models.DestinationID
	Strategy    models.Strategy // zero: KeeperWins
}

// Mark is what Keeper's own name for the entry carries.
func (r Rules) Mark(e Entry) Mark {
	return Mark{Owner: r.Owner, Destination: r.Destination, Secret: e.SecretID}
}

// Decide compares what should be, what Keeper last wrote, and what is there. It is pure and
// answers for every input. What it never does: act on what is unknown, write to or delete
// what is not Keeper's, delete a value that Keeper did not write, or act on a listing alone.
func (r Rules) Decide(e Entry, o Observed, now time.Time) Decision {
	if o.Err != nil {
		return Decision{Status: models.StatusUnknown, Action: models.ActionNone, Why: "The destination could not be read."}
	}
	d := r.judge(e, o)
	if o.Listed && !listingSuffices(e, o, d, now) {
		return Decision{Status: models.StatusUnknown, Action: models.ActionNone, Confirm: true, Why: "The listing may be out of date."}
	}
	return d
}

// listingSuffices reports whether the decision may rest on a listing: never to act or to ask
// a person, never to call something gone, and not against Keeper's own recent write.
func listingSuffices(e Entry, o Observed, d Decision, now time.Time) bool {
	if acts(d.Action) || d.Action == models.ActionHold || !o.Remote.Exists() || o.Remote.Deleted {
		return false
	}
	asWritten := e.Base != nil && o.Remote.Version == e.Base.RemoteVersion && d.Status == models.StatusInSync
	recent := e.Base != nil && now.Sub(e.Base.At) < settleTime
	return asWritten || !recent
}

// judge takes the observation at its word.
func (r Rules) judge(e Entry, o Observed) Decision {
	remote := o.Remote
	switch {
	case !remote.Exists():
		return r.absent(e)
	case e.Released && e.Desired == nil:
		return Decision{Status: models.StatusInSync, Action: models.ActionNone, Why: "Deleted in Keeper; what stands under the name was given back and is left alone."}
	case e.Released:
		return foreign("What stands under the name was given back, and is no longer Keeper's.")
	case remote.Mark.Zero() && (e.Desired != nil || e.Base != nil || e.Intent != nil):
		return unmarked(e, o)
	case remote.Mark != r.Mark(e) && e.Desired == nil:
		return Decision{
			Status: models.StatusInSync, Action: models.ActionNone,
			Why: "Deleted in Keeper; what stands under the name is not Keeper's and is left alone.",
		}
	case remote.Mark != r.Mark(e):
		return foreign("The name carries the mark of another Keeper, destination or secret.")
	case remote.Deleted:
		return r.softDeleted(e)
	case remote.Version == "":
		return r.empty(e)
	}
	held := o.Hash
	if held == nil && e.Base != nil && remote.Version == e.Base.RemoteVersion {
		held = e.Base.Hash
	}
	switch {
	case held == nil && (e.Desired != nil || !e.leaving(o)):
		return needValue()
	case e.Desired == nil:
		return unwanted(e, o, held)
	default:
		return r.compare(e, o, held)
	}
}

func (r Rules) absent(e Entry) Decision {
	switch {
	case e.Desired == nil:
		return Decision{Status: models.StatusInSync, Action: models.ActionNone, Why: "Deleted in Keeper and gone at the destination."}
	case !e.Base.known():
		return Decision{Status: models.StatusSourceChanged, Action: models.ActionCreate, Why: "Not at the destination yet."}
	default:
		return r.missing(e, "", models.ActionRepair, "Keeper wrote it; it is gone at the destination.")
	}
}

// missing puts back what is gone, where Keeper's value counts. Else a person decides: that
// something is gone there is no value that Keeper could take.
func (r Rules) missing(e Entry, remoteVersion string, repair models.SyncAction, why string) Decision {
	d := Decision{Status: models.StatusMissing, Action: repair, Why: why}
	if r.Strategy == "" || r.Strategy == models.KeeperWins || e.ruled(models.SideKeeper, remoteVersion) {
		return d
	}
	d.Action = models.ActionHold
	d.Why += " A person decides whether Keeper writes it again."
	return d
}

// unmarked tells a write of Keeper's whose mark was lost in a crash from another's secret:
// only before the first recorded write, and only by the value that was intended.
func unmarked(e Entry, o Observed) Decision {
	if e.Base != nil || e.Intent == nil || o.Remote.Deleted || o.Remote.Version == "" {
		return foreign("The name is taken at the destination by something that Keeper did not write.")
	}
	if o.Hash == nil {
		return needValue()
	}
	if !same(o.Hash, e.Intent.Hash) {
		return foreign("The name is taken at the destination by a value that Keeper did not write.")
	}
	if e.Desired == nil {
		return Decision{
			Status: models.StatusOrphaned, Action: models.ActionMark,
			Why: "Deleted in Keeper; Keeper's own first write, not yet marked as such, is marked and then deleted.",
		}
	}
	return Decision{Status: models.StatusSourceChanged, Action: models.ActionMark, Why: "Keeper's own first write, not yet marked as such."}
}

func (r Rules) softDeleted(e Entry) Decision {
	if e.Desired == nil {
		return Decision{Status: models.StatusInSync, Action: models.ActionNone, Why: "Deleted in Keeper and at the destination."}
	}
	if !e.Base.known() { // nobody uses what it held: it was deleted there, as a rule by Keeper itself
		return Decision{Status: models.StatusSourceChanged, Action: models.ActionRestore, Why: "Undeleted in Keeper; the copy is restored and gets the current value."}
	}
	return r.missing(e, "", models.ActionRestore, "Deleted at the destination, and can be restored there.")
}

// empty is a name that is Keeper's and holds no value: nothing can be lost there.
func (r Rules) empty(e Entry) Decision {
	d := r.absent(e)
	if e.Desired == nil {
		d.Why = "Deleted in Keeper; the destination keeps the name without a value."
	}
	return d
}

// unwanted is a secret that was deleted in Keeper and still has a value there.
func unwanted(e Entry, o Observed, held []byte) Decision {
	if e.wrote(held) || e.leaving(o) {
		return Decision{Status: models.StatusOrphaned, Action: models.ActionDelete, Why: "Deleted in Keeper, still at the destination."}
	}
	return Decision{
		Status: models.StatusConflict, Action: models.ActionRefuse,
		Why: "Deleted in Keeper, but the destination holds a value that Keeper did not write; it is kept.",
	}
}

// compare is the three-way comparison proper.
func (r Rules) compare(e Entry, o Observed, held []byte) Decision {
	switch {
	case same(held, e.Desired.Hash):
		return Decision{Status: models.StatusInSync, Action: models.ActionNone, Why: "The destination holds the desired value."}
	case e.wrote(held), e.leaving(o):
		return Decision{Status: models.StatusSourceChanged, Action: models.ActionUpdate, Why: "Keeper has a newer value."}
	case e.doubtful(o):
		return r.settle(e, o, models.StatusDrifted, "The value was deleted at the destination and is back, through Keeper or through somebody else")
	case !e.Base.known(), same(e.Base.Hash, e.Desired.Hash):
		return r.settle(e, o, models.StatusDrifted, "The value was changed at the destination")
	default:
		return r.settle(e, o, models.StatusConflict, "The value was changed in Keeper and at the destination")
	}
}

// settle says whose value counts. Writing over a value that Keeper did not write loses
// nothing, since every kind of destination keeps the overtaken value restorable; taking one
// loses nothing, since Keeper keeps every version.
func (r Rules) settle(e Entry, o Observed, status models.SyncStatus, what string) Decision {
	d := Decision{Status: status, Action: models.ActionHold}
	winner := r.winner(e, o)
	if winner == models.SideRemote && o.Untaken != "" {
		d.Why = what + ", and " + o.Untaken + "; a person decides whether Keeper writes its own again."
		return d
	}
	switch winner {
	case models.SideKeeper:
		d.Action = models.ActionRepair
		d.Why = what + "; Keeper's counts, the other stays there as an earlier version."
	case models.SideRemote:
		d.Action = models.ActionTake
		d.Why = what + "; the destination's counts, and becomes a new version in Keeper."
	default:
		d.Why = what + "; a person decides which of the two counts."
	}
	return d
}

// clockSkew is how far two clocks may lie apart: changes that are closer than that have no
// certain order.
const clockSkew = time.Minute

// winner is the side whose value counts, or none where a person has to say. A ruling goes
// before the strategy. What Keeper may have brought back itself, only to write over it, is not
// taken for somebody else's wish; and what somebody else may have brought back is not written
// over where the strategy leaves that to people.
func (r Rules) winner(e Entry, o Observed) models.Side {
	for _, side := range []models.Side{models.SideKeeper, models.SideRemote} {
		if e.ruled(side, o.Remote.Version) {
			return side
		}
	}
	switch {
	case r.Strategy == "", r.Strategy == models.KeeperWins:
		return models.SideKeeper
	case e.doubtful(o):
		return ""
	case r.Strategy == models.RemoteWins:
		return models.SideRemote
	case r.Strategy == models.NewestWins:
		if e.Base != nil && same(e.Base.Hash, e.Desired.Hash) {
			return models.SideRemote // Keeper's stood there already when it was changed
		}
		return newest(e.Desired.At, o.Remote.ChangedAt)
	default:
		return ""
	}
}

func newest(keeper, remote time.Time) models.Side {
	switch {
	case keeper.IsZero() || remote.IsZero():
		return ""
	case remote.Sub(keeper) > clockSkew:
		return models.SideRemote
	case keeper.Sub(remote) > clockSkew:
		return models.SideKeeper
	default:
		return ""
	}
}

// version is what is desired; 0 where the secret is deleted in Keeper.
func (e Entry) version() models.VersionNumber {
	if e.Desired == nil {
		return 0
	}
	return e.Desired.Version
}

// ruled reports whether a person decided for the side, seeing what stands now.
func (e Entry) ruled(side models.Side, remoteVersion string) bool {
	return e.Ruling != nil && e.Desired != nil && e.Ruling.Side == side &&
		e.Ruling.Version == e.Desired.Version && e.Ruling.RemoteVersion == remoteVersion
}

// wrote reports whether the value is one that Keeper put there: the base, or the intent of
// a write whose answer was lost.
func (e Entry) wrote(held []byte) bool {
	return e.Base != nil && same(held, e.Base.Hash) || e.Intent != nil && same(held, e.Intent.Hash)
}

// leaving reports whether the value is one of Keeper's that it was about to delete, and that
// nobody changed since.
func (e Entry) leaving(o Observed) bool {
	return e.Base != nil && !e.Base.known() && e.Base.Version > 0 && o.Remote.Version == e.Base.RemoteVersion
}

// doubtful reports whether the value is one that Keeper found deleted and was about to restore.
// Where Keeper did, and lived to know, its base tells the value (see broughtBack). Else somebody
// else may have, and nothing at the destination tells the two apart.
func (e Entry) doubtful(o Observed) bool {
	return e.Base != nil && !e.Base.known() && e.Base.Version == 0 && o.Remote.Version == e.Base.RemoteVersion
}

func foreign(why string) Decision {
	return Decision{Status: models.StatusForeign, Action: models.ActionRefuse, Why: why}
}

func needValue() Decision {
	return Decision{Status: models.StatusUnknown, Action: models.ActionNone, NeedValue: true, Why: "The value there must be compared."}
}

// acts reports whether the action changes anything, at the destination or in Keeper.
func acts(a models.SyncAction) bool {
	return writes(a) || a == models.ActionMark || a == models.ActionDelete || a == models.ActionTake
}

// writes reports whether the action can end in a value being put.
func writes(a models.SyncAction) bool {
	switch a {
	case models.ActionCreate, models.ActionUpdate, models.ActionRepair, models.ActionRestore:
		return true
	default:
		return false
	}
}
