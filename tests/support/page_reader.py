"""What a page says and which forms it has, read from its HTML."""

from html.parser import HTMLParser

# Elements without an end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Form:
    """A form: where it goes, how, and what it brings along unless that is changed."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.action = attributes.get("action", "")
        self.method = attributes.get("method", "get")
        self.fields = {}


class Page(HTMLParser):
    """A page that has been read."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.links = []
        self._open = []
        self._texts = []
        self.feed(text)
        self.close()

    def texts(self, name):
        """The texts of all elements of a class, or with this tag."""
        found = (text for names, text in self._texts if name in names)
        return [" ".join("".join(parts).split()) for parts in found]

    def text(self, name):
        """The text of the first of them; empty if there is none."""
        return next(iter(self.texts(name)), "")

    def form_of(self, method):
        """The form by which a payer pays with a method."""
        return next(form for form in self.forms if form.fields.get("method") == method)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(given))
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "input" and "name" in given and self._in("form"):
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        if tag in VOID:
            return
        parts = []
        self._open.append((tag, parts))
        self._texts.append(({tag, *given.get("class", "").split()}, parts))

    def handle_endtag(self, tag):
        while self._in(tag) and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, parts in self._open:
            parts.append(data)

    def _in(self, tag):
        return any(tag == each for each, _ in self._open)
