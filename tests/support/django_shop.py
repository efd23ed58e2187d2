"""A shop on Django: a project made by `startproject`, with the application of django-sberbank.

Everything is as a shop's developer would write it; of the application only the address of the
gateway is replaced. Django allows one project in a process, so there is one shop in a test run.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

SETTINGS = """
INSTALLED_APPS += ["rest_framework", "sberbank"]
# The application translates before its models are loaded.
USE_I18N = False
DATABASES["default"]["OPTIONS"] = {{"timeout": 20}}
MERCHANT_KEY = "shop"
MERCHANTS = {merchants!r}
"""

URLS = """
from django.urls import include, path

urlpatterns = [path("", include("sberbank.urls"))]
"""


class DjangoShop:
    """The shop: its address is known before its settings are."""

    def __init__(self):
        # The server of Django's own `runserver`, on a free port.
        from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

        class Handler(WSGIRequestHandler):
            def log_message(self, *_):
                pass

        self._server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def open(self, folder, gateway, merchants):
        """Makes the project in a folder, with its database, and serves it."""
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "shop.settings"}

        def manage(*words):
            subprocess.run(
                [sys.executable, "-B", *words], cwd=folder, env=environment, check=True,
                stdin=subprocess.DEVNULL,
            )

        manage("-m", "django", "startproject", "shop", ".")
        with (Path(folder) / "shop/settings.py").open("a") as settings:
            settings.write(SETTINGS.format(merchants=merchants))
        (Path(folder) / "shop/urls.py").write_text(URLS)
        manage("manage.py", "migrate", "--verbosity", "0")

        sys.path.insert(0, str(folder))
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        import django
        from django.core.wsgi import get_wsgi_application

        django.setup(set_prefix=False)
        from sberbank.service import BankService

        BankService._BankService__default_gateway_address = gateway
        self._server.set_app(get_wsgi_application())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
