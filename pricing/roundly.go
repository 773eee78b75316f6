package pricing

// Roundly returns the amount for people who need no more than whole cents: "$3.43". What
// cents would make nothing of is shown as it is.
func (u USD) Roundly() string {
	cents := TotalOf(u).NearestCent()
	if u != 0 && cents.value().Sign() == 0 {
		return u.Display()
	}
	return cents.Display()
}

// RoundlyOf returns how much is used of an allowance, both as Roundly has them. Where that
// would make less than all of it look like all of it, the first is exact.
func (u USD) RoundlyOf(allowed USD) (used, of string) {
	used, of = u.Roundly(), allowed.Roundly()
	if used == of && u < allowed {
		used = u.Display()
	}
	return used, of
}
