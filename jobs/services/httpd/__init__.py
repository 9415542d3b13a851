"""What the services that Apache gives (websites, Web Disk) share: one daemon, read and edited in one way."""

from jobs.services.httpd.daemon import Httpd
from jobs.services.httpd.view import View

__all__ = ["Httpd", "View"]
