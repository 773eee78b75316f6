package commands

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// quantityFlag is a flag for one quantity, read exactly.
type quantityFlag struct {
	quantity pricing.Quantity
	to       *pricing.Quantities
}

func (f quantityFlag) String() string { return "" }
func (f quantityFlag) Type() string   { return "N" }
func (f quantityFlag) Set(text string) error {
	n, err := f.quantity.Parse(flagName(f.quantity), text)
	f.to[f.quantity] = n
	return err
}

func flagName(q pricing.Quantity) string { return strings.ReplaceAll(q.String(), "_", "-") }

// addQuantities adds a flag for every quantity. One request is the default.
func addQuantities(flags *pflag.FlagSet, to *pricing.Quantities) {
	to[pricing.Requests] = 1
	for q := range pricing.QuantityCount {
		flags.Var(quantityFlag{q, to}, flagName(q), q.Help())
	}
}

func addServiceTier(flags *pflag.FlagSet, to *string) {
	flags.StringVar(to, "service-tier", "", "the service `TIER` that the vendor charges by: batch, flex, priority")
}

// reportedFlag is a flag for the cost that a vendor reports.
type reportedFlag struct{ to *pricing.ReportedCost }

func (f reportedFlag) String() string { return "" }
func (f reportedFlag) Type() string   { return "COST" }
func (f reportedFlag) Set(text string) (err error) {
	*f.to, err = pricing.ParseReportedCost(text)
	return err
}

// measuredFlag is a flag for how it is known what a call used.
type measuredFlag struct{ to *usage.Measured }

func (f measuredFlag) String() string { return "" }
func (f measuredFlag) Type() string   { return "HOW" }
func (f measuredFlag) Set(text string) (err error) {
	*f.to, err = usage.ParseMeasured(text)
	return err
}

// priceFlag is a flag for the cost of one unit; to stays nil where it isn't given.
type priceFlag struct{ to **pricing.USD }

func (f priceFlag) String() string { return "" }
func (f priceFlag) Type() string   { return "COST" }
func (f priceFlag) Set(text string) error {
	cost, err := pricing.ParseUnitPrice(text)
	*f.to = &cost
	return err
}

// tierFlag is a flag for service tiers and the factors of their prices.
type tierFlag struct{ to *[]pricing.Tier }

func (f tierFlag) String() string { return "" }
func (f tierFlag) Type() string   { return "NAME=FACTOR" }
func (f tierFlag) Set(text string) error {
	name, factor, found := strings.Cut(text, "=")
	if !found || name == "" {
		return failure.Invalidf("%q is not NAME=FACTOR, as batch=0.5", failure.Shorten(text))
	}
	tier := pricing.Tier{Name: strings.ToLower(name)}
	var err error
	tier.Factor, err = pricing.ParseFactor(factor)
	*f.to = append(*f.to, tier)
	return err
}

// costKindFlag is a flag for whether calls cost what their events report; to stays nil where it isn't given.
type costKindFlag struct{ to **bool }

func (f costKindFlag) String() string { return "" }
func (f costKindFlag) Type() string   { return "KIND" }
func (f costKindFlag) Set(text string) error {
	reported := text == "reported"
	if !reported && text != "priced" {
		return failure.Invalidf("it is %q: it must be reported or priced", failure.Shorten(text))
	}
	*f.to = &reported
	return nil
}

// textFlag is a flag for a text that may be empty; to stays nil where it isn't given.
type textFlag struct {
	to   **string
	kind string
}

func (f textFlag) String() string { return "" }
func (f textFlag) Type() string   { return f.kind }
func (f textFlag) Set(text string) error {
	*f.to = &text
	return nil
}

// timeFlag is a flag for a moment; to stays zero where it isn't given.
type timeFlag struct {
	name string
	to   *time.Time
}

func (f timeFlag) String() string { return "" }
func (f timeFlag) Type() string   { return "TIME" }
func (f timeFlag) Set(text string) (err error) {
	*f.to, err = usage.ParseTime(f.name, text)
	return err
}

func addTime(cmd *cobra.Command, to *time.Time, name, usageText string) {
	cmd.Flags().Var(timeFlag{name, to}, name, usageText)
}

// addFile adds the required flag for a file.
func addFile(cmd *cobra.Command, to *string, usageText string) {
	cmd.Flags().StringVarP(to, "file", "f", "", usageText)
	mustRequire(cmd, "file")
}

// cycleFlag is a flag for a billing cycle.
type cycleFlag struct{ to *plan.Cycle }

func (f cycleFlag) String() string {
	if f.to == nil {
		return ""
	}
	return string(*f.to)
}
func (f cycleFlag) Type() string { return "CYCLE" }
func (f cycleFlag) Set(text string) (err error) {
	*f.to, err = plan.ParseCycle(text)
	return err
}

// mustRequire marks flags as required. It fails only for a flag that is not
// there, which is a fault of the program that every test of the command finds.
func mustRequire(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
}

// providerFlag is a flag for a provider, whose name is in lower case always.
type providerFlag struct{ to *string }

func (f providerFlag) String() string {
	if f.to == nil {
		return ""
	}
	return *f.to
}

func (f providerFlag) Type() string { return "PROVIDER" }
func (f providerFlag) Set(text string) error {
	*f.to = strings.ToLower(text)
	return nil
}

func addProvider(cmd *cobra.Command, to *string, usageText string) {
	cmd.Flags().Var(providerFlag{to}, "provider", usageText)
}

// mustNotBeEmpty returns an invalid failure for a flag that was given without a value, as a script does whose variable
// is not set: an id made up in its place would make every retry another event.
func mustNotBeEmpty(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return failure.Invalidf("--%s is empty: give it a value, or leave it out", name)
		}
	}
	return nil
}

// required returns an invalid failure for the first of the flags, given as pairs of name and value, that is empty.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return failure.Invalidf("%s is missing or empty", pairs[i]).WithHint("give it a value: %s …", pairs[i])
		}
	}
	return nil
}
