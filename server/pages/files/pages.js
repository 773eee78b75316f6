// A one-time link signs in by itself; without a script one presses the button.
document.querySelector("form[data-auto]")?.requestSubmit();
