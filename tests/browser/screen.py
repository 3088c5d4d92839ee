"""What the browser tests ask of a page on a screen."""


def look_at(browser, path, *, width, scheme):
    """Open a page with everything unfolded: it asks for nothing, has no error, fits, and has no serious barrier."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    unfold = "document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))"
    context = browser.new_context(**options)
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    page.evaluate(unfold)
    assert requests == [path.as_uri()]
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
    # the tool of the barriers is a script, which the page's own policy stops
    context = browser.new_context(**options, bypass_csp=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.evaluate(unfold)
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
