// Presses the only button of a page that merely carries a result onwards.
document.querySelector("form[data-onward]")?.submit();
